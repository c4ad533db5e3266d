"""Run one Jupyter of the process engine, in a working directory of its own."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

from builder.smoke.engines import era_stack, stack, workdir_processes
from builder.smoke.engines.namespace import host_process
from builder.smoke.engines.relay import LOOPBACK
from builder.smoke.engines.startup import wait_until_up
from builder.smoke.model import PROXY_URL_VARIABLE, JupyterSite
from builder.system import command
from builder.system.ports import can_connect, find_free_port
from builder.system.redact import Secret, redact_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.smoke.engines.namespace import HostedProcess, NamespaceIsolation
    from builder.smoke.model import Deployment, WheelUnderTest

PROCESS_START_TIMEOUT = 60.0  # seconds until Jupyter must answer; it takes 2 to 4 on two idle cores
_DIRECTORIES = {
    "HOME": "home",
    "TMPDIR": "tmp",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "IPYTHONDIR": "ipython",
    "MPLCONFIGDIR": "matplotlib",
}


class JupyterVirtualenv(NamedTuple):
    """A virtualenv with Jupyter and one TensorBoard.

    Attributes:
        python: path of its Python.
        wheel: the TensorBoard that is installed in it.
        versions: name → version of all installed packages.
        env: the environment variables that Jupyter starts with, apart from those that depend on
            its working directory.
    """

    python: Path
    wheel: WheelUnderTest
    versions: Mapping[str, str]
    env: Mapping[str, str]


class JupyterProcess:
    """Access to a Jupyter process: its working directory, and programs next to it.

    Args:
        path: the working directory.
        env: the environment variables that Jupyter was started with.
        hosted: the running Jupyter.
    """

    def __init__(self, path: Path, env: Mapping[str, str], hosted: HostedProcess) -> None:
        self.path = path
        self._env = env
        self._hosted = hosted

    def run_command(
        self, words: Sequence[str], *, root: bool = False, timeout: float = 30.0
    ) -> tuple[int, str]:
        """Run a program next to Jupyter; exit code and all output.

        It starts in the directory of the notebooks. A process that it leaves running must not share
        its output, or this call waits for that process, too.

        Args:
            words: the program and its arguments.
            root: ignored; in namespaces of our own Jupyter's user is root already.
            timeout: seconds.

        Raises:
            CommandError: the program does not exist, or took too long.
            SmokeError: Jupyter has ended.
        """
        del root
        work = self.path / "work"
        line = [*self._hosted.build_join_command(work), *words]
        return command.try_command(line, timeout=timeout, cwd=work, env=self._env)

    def read_log(self) -> str:
        """Jupyter's log so far, without its token.

        jupyter-server-proxy logs all headers of a failed request; on the notebook server the token
        is among them.
        """
        text = (self.path / "log").read_text(encoding="utf-8", errors="replace")
        return redact_secrets(text, Secret(self._env["JUPYTER_TOKEN"]).list_spellings())

    def published_ports(self) -> Mapping[int, int] | None:
        """Port inside → port on the host, for all published ports; None on plain loopback."""
        return {stack.JUPYTER_PORT: self._hosted.port} if self._hosted.isolation else None

    def check_reachable(self, port: int) -> dict[str, bool]:
        """Whether the host reaches a port inside; empty on plain loopback.

        Another program may listen on the host's port of that number. So a connection counts only if
        the process that listens there belongs to this working directory.
        """
        published = self.published_ports()
        if published is None:
            return {}
        return {"the host": self._is_reached_by_host(published.get(port, port))}

    def exit_code(self) -> int | None:
        """Jupyter's exit code, or None while it runs."""
        return self._hosted.process.poll()

    def _is_reached_by_host(self, port: int) -> bool:
        if not can_connect(LOOPBACK, port):
            return False
        pids = {process.pid for process in workdir_processes.list_workdir_processes(self.path)}
        return any(
            connection.pid in pids
            and connection.status == psutil.CONN_LISTEN
            and tuple(connection.laddr)[1:] == (port,)
            for connection in psutil.net_connections("tcp4")
        )


@contextmanager
def start_jupyter_process(
    deployment: Deployment,
    virtualenv: JupyterVirtualenv,
    isolation: NamespaceIsolation,
    parent: Path,
) -> Iterator[JupyterSite]:
    """Serve a deployment for as long as the block lasts; kernels and TensorBoards end with it.

    Args:
        deployment: what to serve.
        virtualenv: what it runs in.
        isolation: how it is isolated from the host; empty for plain loopback, where the host
            reaches TensorBoard's port.
        parent: the parent of its working directory.

    Raises:
        SmokeError: the front end did not exist yet, Jupyter did not answer in time, or one of its
            processes does not end.
    """
    port = stack.JUPYTER_PORT if isolation else find_free_port()
    words = era_stack.build_era_command(deployment, virtualenv.versions, ip=LOOPBACK, port=port)
    words[0] = str(virtualenv.python.parent / words[0])
    with tempfile.TemporaryDirectory(prefix=f"{deployment.name}-", dir=parent) as name:
        workdir = Path(name)
        token = Secret.generate()
        env = {**virtualenv.env, **_make_directories(workdir), "JUPYTER_TOKEN": token.value}
        if deployment.variable is not None:
            env[PROXY_URL_VARIABLE] = deployment.variable
        with host_process(words, port, isolation, workdir=workdir, env=env) as hosted:
            access = JupyterProcess(workdir, env, hosted)
            url = f"http://{LOOPBACK}:{hosted.port}{deployment.base_url}"
            wait_until_up(
                "Jupyter",
                f"{url}api/status",
                PROCESS_START_TIMEOUT,
                ended=access.exit_code,
                log=access.read_log,
                token=token,
            )
            yield JupyterSite(deployment, url, token, virtualenv.wheel, access)


def _make_directories(workdir: Path) -> dict[str, str]:
    """Make the directories in a working directory; the environment variables that name them."""
    (workdir / "work").mkdir()
    named = {variable: workdir / directory for variable, directory in _DIRECTORIES.items()}
    for path in named.values():
        path.mkdir()
    return {variable: str(path) for variable, path in named.items()}
