"""The process engine: Jupyter in a throwaway virtualenv, for machines without a container engine.

A virtualenv is made once for a wheel (4 to 5 s from uv's cache on two idle cores) and serves all
deployments of that wheel. Each deployment has a working directory of its own and, if the user may
create one, a network namespace of its own.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from builder.errors import CommandError, SmokeError
from builder.model import PACKAGE
from builder.smoke.engines import era_stack, jupyter_process, namespace, stack, workdir_processes
from builder.smoke.engines.jupyter_process import JupyterVirtualenv
from builder.smoke.engines.relay import LOOPBACK
from builder.system import command, virtualenvs
from builder.system.files import make_temporary_directory
from builder.system.virtualenvs import START_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from builder.context import RunContext
    from builder.releases.eras import Era
    from builder.smoke.engines.namespace import NamespaceIsolation
    from builder.smoke.model import Deployment, JupyterSite, WheelUnderTest

# The environment variables that Jupyter inherits, besides PATH: no index, proxies or passwords.
_KEPT = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH")
_OUR_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


class ProcessRunner:
    """Runs deployments in virtualenvs on this machine.

    Args:
        workdir: directory of everything that it makes; each process of a deployment has it in its
            environment variables.
        isolation: how deployments are isolated from the host.
        context: the context of the run, whose Pythons have that of each virtualenv.
        python: Python version such as `3.11`, for virtualenvs without an era.
        find_era: release → its era, the date and the Python to resolve everything at; None for
            today.
    """

    def __init__(
        self,
        workdir: Path,
        isolation: NamespaceIsolation,
        context: RunContext,
        *,
        python: str = _OUR_PYTHON,
        find_era: Callable[[str], Era] | None = None,
    ) -> None:
        self._workdir = workdir
        self.isolation = isolation
        self._env = context.make_clean_env(workdir)
        self._pythons = context.pythons
        self._python = python
        self._find_era = find_era
        self._turn = Lock()

    @property
    def name(self) -> str:
        """Name of the engine, for reports."""
        where = "in a network of its own" if self.isolation else "on plain loopback"
        when = f"Python {self._python}" if self._find_era is None else "each release's own era"
        return f"process {where}, {when}"

    @property
    def can_change_host(self) -> bool:
        """No: deployments have a network of their own, or use the loopback, which always exists."""
        return False

    @property
    def host(self) -> str:
        """The address of its sites."""
        return LOOPBACK

    def prepare_wheel(
        self, wheel: WheelUnderTest, log: Path, progress: Callable[[str], None]
    ) -> Callable[[Deployment], AbstractContextManager[JupyterSite]]:
        """Make the virtualenv of a wheel, and list its packages in the log.

        Virtualenvs of other releases are removed.

        Returns:
            The function that starts a deployment in it.

        Raises:
            SmokeError: the wheel and Jupyter cannot be installed together, or TensorBoard does not
                start.
            CommandError: there is no uv, or not that Python.
        """
        if wheel.path is None:
            raise SmokeError("an environment needs a wheel", "name a release")
        era = None if self._find_era is None else self._find_era(wheel.release)
        version = self._python if era is None else era.python
        progress(f"making an environment on Python {version}")
        directory = self._make_virtualenv_dir(wheel.release)
        base = self._pythons.find_python(version)
        python = virtualenvs.make_virtualenv(directory / "env", base, self._env)
        first = () if era is None else era.first
        if wheel.tensorflow and not first:
            first = ("tensorflow",)
        self._install_wheel(python, wheel.path, version, era, first)
        versions = virtualenvs.list_installed_versions(python, self._env)
        listing = "".join(f"{name}=={number}\n" for name, number in versions.items())
        log.write_text(f"Python {version}\n{listing}", encoding="utf-8")
        virtualenv = JupyterVirtualenv(python, wheel, versions, self._build_jupyter_env(python))
        _check_tensorboard_starts(virtualenv, wheel.path, directory)
        return lambda deployment: self._start_site(deployment, virtualenv)

    def end_all(self) -> None:
        """End all processes of this run at once; callers that wait for one get an error.

        Raises:
            SmokeError: a process does not end.
        """
        workdir_processes.kill_workdir_processes(self._workdir)

    def _make_virtualenv_dir(self, release: str) -> Path:
        """Make the directory of a virtualenv, which takes half a GB.

        Those of other releases are removed: they have been tested.
        """
        prefix = f"env-{release}-"
        for directory in self._workdir.glob("env-*"):
            if not directory.name.startswith(prefix):
                shutil.rmtree(directory)
        return Path(tempfile.mkdtemp(prefix=prefix, dir=self._workdir))

    def _install_wheel(
        self, python: Path, wheel: Path, version: str, era: Era | None, first: Sequence[str]
    ) -> None:
        wanted = stack.JUPYTER_REQUIREMENTS if era is None else era_stack.list_era_requirements(era)
        until = None if era is None else era.until
        try:
            if first:
                virtualenvs.install_packages(python, [*first, *wanted], self._env, until=until)
                virtualenvs.uninstall_package(python, PACKAGE, self._env)
            # Installed packages that satisfy these requirements are kept as they are.
            requirements = [*wanted, str(wheel.resolve())]
            virtualenvs.install_packages(python, requirements, self._env, until=until)
        except CommandError as error:
            when = "today" if until is None else f"as of {until[:10]}"
            raise SmokeError(
                f"{wheel.name} and Jupyter cannot be installed on Python {version}, {when}",
                error.hint,
            ) from error

    @contextmanager
    def _start_site(
        self, deployment: Deployment, virtualenv: JupyterVirtualenv
    ) -> Iterator[JupyterSite]:
        """Start a site; on plain loopback one at a time, as all kernels share the ports there."""
        with (
            nullcontext() if self.isolation else self._turn,
            jupyter_process.start_jupyter_process(
                deployment, virtualenv, self.isolation, self._workdir
            ) as site,
        ):
            yield site

    def _build_jupyter_env(self, python: Path) -> dict[str, str]:
        inherited = {name: self._env[name] for name in _KEPT if name in self._env}
        path = self._env.get("PATH", "/usr/bin:/bin")
        return inherited | {"PATH": f"{python.parent}:{path}"}


@contextmanager
def open_process_runner(
    context: RunContext,
    *,
    python: str = _OUR_PYTHON,
    find_era: Callable[[str], Era] | None = None,
) -> Iterator[ProcessRunner]:
    """Open the process engine for as long as the block lasts; for arguments see `ProcessRunner`."""
    with make_temporary_directory("tensorboard-wheels-smoke-process-") as workdir:
        isolation = namespace.find_isolation()
        yield ProcessRunner(workdir, isolation, context, python=python, find_era=find_era)


def _check_tensorboard_starts(virtualenv: JupyterVirtualenv, wheel: Path, workdir: Path) -> None:
    """Check that TensorBoard starts at all, by `--help`, as 1.13.x has no `--version`.

    Raises:
        SmokeError: it does not.
    """
    words = [str(virtualenv.python.parent / PACKAGE), "--help"]
    env = {**virtualenv.env, "HOME": str(workdir), "TMPDIR": str(workdir)}
    try:
        command.run_command(words, timeout=START_TIMEOUT, cwd=workdir, env=env)
    except CommandError as error:
        raise SmokeError(
            f"the TensorBoard of {wheel.name} does not start: {error.message}", error.hint
        ) from error
