"""Init process next to Jupyter: start Jupyter, relay the host to its port, end all it started.

`builder.smoke.engines.namespace` starts this module as a program of its own, usually as the first
process of a PID namespace. When that process ends, for whatever reason, all others in the namespace
end, too (pid_namespaces(7)). Like any init, it has to reap orphans: otherwise a killed TensorBoard
would be taken for a running one.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from builder.smoke.engines import relay, workdir_processes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# netdevice(7), linux/sockios.h and net/if.h: a `struct ifreq` is a name of 16 bytes, then flags.
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
_IFREQ = struct.Struct("16sh22x")
# Python ignores these two signals; Jupyter must start with their defaults.
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)


class InitArguments(NamedTuple):
    """Arguments of the command line.

    Attributes:
        listener: descriptor of the socket that listens on the host.
        lifeline: descriptor of a pipe; everything must end when the pipe's other end is closed.
        port: where Jupyter will listen on our loopback.
        has_own_namespaces: whether we run in namespaces of our own, whose loopback is still down.
        workdir: directory of everything that Jupyter and its kernels write.
        words: path of the program, and its arguments.
    """

    listener: int
    lifeline: int
    port: int
    has_own_namespaces: bool
    workdir: Path
    words: tuple[str, ...]

    def to_command_line(self) -> list[str]:
        """Format the arguments for a command line; `parse_arguments` is the inverse."""
        numbers = (self.listener, self.lifeline, self.port, int(self.has_own_namespaces))
        return [*map(str, numbers), str(self.workdir), *self.words]


def parse_arguments(words: Sequence[str]) -> InitArguments:
    """Parse the arguments of a command line."""
    listener, lifeline, port, own_namespaces = map(int, words[:4])
    return InitArguments(
        listener, lifeline, port, bool(own_namespaces), Path(words[4]), tuple(words[5:])
    )


def enable_loopback() -> None:
    """Bring up `lo`, which is down in a new network namespace (network_namespaces(7)).

    Raises:
        OSError: we do not have the permission.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _IFREQ.pack(b"lo", _IFF_UP))


async def supervise_jupyter(arguments: InitArguments) -> int:
    """Run Jupyter until it ends or the lifeline is closed.

    Returns:
        Jupyter's exit code, or 0 if the lifeline was closed or SIGTERM arrived.
    """
    loop = asyncio.get_running_loop()
    end: asyncio.Future[int] = loop.create_future()

    def set_exit_code(code: int) -> None:
        if not end.done():
            end.set_result(code)

    for descriptor in (arguments.listener, arguments.lifeline):
        os.set_inheritable(descriptor, False)
    jupyter = os.posix_spawn(arguments.words[0], arguments.words, os.environ, setsigdef=_IGNORED)
    loop.add_signal_handler(signal.SIGCHLD, _reap_children, jupyter, set_exit_code)
    loop.add_signal_handler(signal.SIGTERM, set_exit_code, 0)
    loop.add_reader(arguments.lifeline, set_exit_code, 0)
    _reap_children(jupyter, set_exit_code)  # it may have ended before the handler was there
    with socket.socket(fileno=arguments.listener) as listener:
        await relay.relay_connections(listener, arguments.port)
        return await end


def _reap_children(jupyter: int, set_exit_code: Callable[[int], None]) -> None:
    """Reap all children that have ended, including orphans that were reparented to us."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == jupyter:
                set_exit_code(os.waitstatus_to_exitcode(ended[1]))


def main() -> int:
    """Run Jupyter as the command line says, and return its exit status."""
    arguments = parse_arguments(sys.argv[1:])
    if arguments.has_own_namespaces:
        enable_loopback()
    os.chdir(arguments.workdir / "work")
    try:
        return asyncio.run(supervise_jupyter(arguments)) % 256  # a signal's code is negative
    finally:
        if not arguments.has_own_namespaces:
            workdir_processes.kill_workdir_processes(arguments.workdir)


if __name__ == "__main__":
    sys.exit(main())
