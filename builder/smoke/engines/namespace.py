"""Run Jupyter and its kernels in a network namespace of their own, if the user may create one.

Then the host cannot reach TensorBoard's port by construction, as with a container: root creates a
network namespace, others create one in a user namespace (user_namespaces(7)). A PID namespace,
whose processes all end with its first process, and a /proc that shows it are created as well.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

import builder
from builder.errors import CommandError, SmokeError
from builder.smoke.engines import namespace_init, workdir_processes
from builder.smoke.engines.relay import LOOPBACK
from builder.system import command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from subprocess import Popen

# Seconds: to create a namespace and leave it again, and to end all processes in one.
_TRIAL = 10.0
_END = 10.0
_COMMON = ("--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc")
# The current directory for `python -m`, which imports `builder` from there.
_PACKAGES = Path(builder.__file__).parents[1]


class NamespaceIsolation(NamedTuple):
    """How Jupyter is isolated from the host.

    Attributes:
        enter: command prefix that runs a program in namespaces of its own; () for no isolation.
        join: command prefix that runs a program in those of a process, whose PID comes next.
        reason: why there is no isolation, or "".
    """

    enter: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    reason: str = ""

    def __bool__(self) -> bool:
        """Whether there is any isolation."""
        return bool(self.enter)


ISOLATION_METHODS = (
    NamespaceIsolation(
        ("unshare", *_COMMON),
        ("nsenter", "--net", "--pid", "--mount", "--target"),
    ),
    NamespaceIsolation(
        ("unshare", "--user", "--map-root-user", *_COMMON),
        ("nsenter", "--user", "--preserve-credentials", "--net", "--pid", "--mount", "--target"),
    ),
)


def find_isolation() -> NamespaceIsolation:
    """Try the isolation methods in order, and return the first that works on this machine."""
    reason = ""
    for method in ISOLATION_METHODS:
        try:
            command.run_command([*method.enter, "true"], timeout=_TRIAL)
        except CommandError as error:
            reason = f"{error.message}: {error.hint}"
        else:
            return method
    return NamespaceIsolation(reason=f"this user may not make a network namespace ({reason})")


class HostedProcess(NamedTuple):
    """A running program that the host reaches at a port.

    Attributes:
        port: port on the host's loopback, relayed to the program's own port.
        process: the process that runs the program; its exit code is the program's.
        isolation: how the program is isolated.
    """

    port: int
    process: Popen[bytes]
    isolation: NamespaceIsolation

    def build_join_command(self, directory: Path) -> list[str]:
        """Build the command prefix that runs another program next to this one.

        Args:
            directory: its current directory; joining a mount namespace alone changes to its root.

        Raises:
            SmokeError: the namespaces no longer exist.
        """
        if not self.isolation:
            return []
        try:
            init = psutil.Process(self.process.pid).children()[0]
        except (psutil.NoSuchProcess, IndexError) as error:
            raise SmokeError("Jupyter and its namespaces are gone", "look at its log") from error
        return [*self.isolation.join, str(init.pid), "env", f"--chdir={directory}"]


@contextmanager
def host_process(
    words: Sequence[str],
    port: int,
    isolation: NamespaceIsolation,
    *,
    workdir: Path,
    env: Mapping[str, str],
) -> Iterator[HostedProcess]:
    """Run a server for as long as the block lasts, then end it and all that it started.

    They also end if we are killed: their init process holds the other end of a pipe of ours.

    Args:
        words: path of the program, and its arguments; its output goes to `log` in `workdir`.
        port: where it listens on the loopback; without isolation, no other program may use it.
        isolation: how it is isolated.
        workdir: working directory. Every process that the server starts has it in its environment
            variables; the server itself starts in `work` there.
        env: all environment variables of the server; they name `workdir`.

    Raises:
        SmokeError: one of its processes does not end.
    """
    with ExitStack() as cleanup:
        # Registered first, so it runs last, on what did not end by itself.
        cleanup.callback(workdir_processes.kill_workdir_processes, workdir)
        listener = cleanup.enter_context(socket.create_server((LOOPBACK, 0)))
        host_port = int(listener.getsockname()[1])
        read_end, lifeline = (cleanup.enter_context(FileIO(end)) for end in os.pipe())
        inherited = (listener.fileno(), read_end.fileno())
        arguments = namespace_init.InitArguments(
            *inherited, port, bool(isolation), workdir, tuple(words)
        )
        line = [
            *isolation.enter,
            sys.executable,
            "-m",
            "builder.smoke.engines.namespace_init",
            *arguments.to_command_line(),
        ]
        running = command.run_in_background(
            line, log=workdir / "log", cwd=_PACKAGES, env=env, descriptors=inherited
        )
        process = cleanup.enter_context(running)
        cleanup.callback(_end_process, process, lifeline)
        # The program has inherited both. If ours stayed open, clients would wait after its end.
        listener.close()
        read_end.close()
        yield HostedProcess(host_port, process, isolation)


def _end_process(process: Popen[bytes], lifeline: FileIO) -> None:
    lifeline.close()
    if command.wait_for_exit(process, _END) is None:
        process.kill()
