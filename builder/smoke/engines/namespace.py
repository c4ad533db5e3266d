"""A network of its own for Jupyter and its kernels, where the user may make one.

Then TensorBoard's port is out of the host's reach by construction, as in a container: root makes a
network namespace, others make one in a user namespace (user_namespaces(7)). With it go a PID
namespace, whose processes all end with the first, and a /proc that shows it.
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

# Seconds: to make a namespace and leave it again, to end all that is in one.
_TRIAL = 10.0
_END = 10.0
_COMMON = ("--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc")
_PACKAGES = Path(builder.__file__).parents[1]


class NamespaceIsolation(NamedTuple):
    """How Jupyter is kept apart from the host.

    Attributes:
        enter: words before a program that make it run in namespaces of its own; none for no way.
        join: words before a program that make it run in those of a process; its PID comes next.
        reason: why there is no way, or empty.
    """

    enter: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    reason: str = ""

    def __bool__(self) -> bool:
        """Whether there is a way."""
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
    """The first way that works here; each is tried out."""
    refused = ""
    for way in ISOLATION_METHODS:
        try:
            command.run_command([*way.enter, "true"], timeout=_TRIAL)
        except CommandError as error:
            refused = f"{error.message}: {error.hint}"
        else:
            return way
    return NamespaceIsolation(reason=f"this user may not make a network namespace ({refused})")


class HostedProcess(NamedTuple):
    """A program behind a port.

    Attributes:
        port: on the host's loopback; it leads to the program's own port.
        process: what runs it; its exit code is the program's.
        isolation: how it is kept apart.
    """

    port: int
    process: Popen[bytes]
    isolation: NamespaceIsolation

    def build_join_command(self, directory: Path) -> list[str]:
        """Words before another program that make it run beside this one.

        Args:
            directory: where it starts; to join a mount namespace leads to its root.

        Raises:
            SmokeError: its namespaces are gone.
        """
        if not self.isolation:
            return []
        try:
            first = psutil.Process(self.process.pid).children()[0]
        except (psutil.NoSuchProcess, IndexError) as error:
            raise SmokeError("Jupyter and its namespaces are gone", "look at its log") from error
        return [*self.isolation.join, str(first.pid), "env", f"--chdir={directory}"]


@contextmanager
def host_process(
    words: Sequence[str],
    port: int,
    isolation: NamespaceIsolation,
    *,
    workdir: Path,
    env: Mapping[str, str],
) -> Iterator[HostedProcess]:
    """Run a server for as long as the block lasts, and end it and all that it started.

    They end too if we are killed: they hold the other end of a pipe of ours.

    Args:
        words: the program by its path, and its arguments; its output goes to `log` in the room.
        port: where it listens on the loopback; nobody else may, without a separation.
        isolation: how it is kept apart.
        workdir: every process that it starts has this directory in its environment; it starts in
            `work` there.
        env: its whole environment, which names the room.

    Raises:
        SmokeError: something of it does not end.
    """
    with ExitStack() as ends:
        ends.callback(workdir_processes.kill_workdir_processes, workdir)
        listener = ends.enter_context(socket.create_server((LOOPBACK, 0)))
        outer = int(listener.getsockname()[1])
        held, lifeline = (ends.enter_context(FileIO(end)) for end in os.pipe())
        mine = (listener.fileno(), held.fileno())
        arguments = namespace_init.InitArguments(
            *mine, port, bool(isolation), workdir, tuple(words)
        )
        line = [
            *isolation.enter,
            sys.executable,
            "-m",
            "builder.smoke.engines.namespace_init",
            *arguments.to_command_line(),
        ]
        running = command.run_in_background(
            line, log=workdir / "log", cwd=_PACKAGES, env=env, descriptors=mine
        )
        process = ends.enter_context(running)
        ends.callback(_end_process, process, lifeline)
        # It has them now. With ours open too, callers would wait when it is gone.
        listener.close()
        held.close()
        yield HostedProcess(outer, process, isolation)


def _end_process(process: Popen[bytes], lifeline: FileIO) -> None:
    lifeline.close()
    if command.wait_for_exit(process, _END) is None:
        process.kill()
