"""Runs beside Jupyter: starts it, lets the host in to its port, and ends with all that it started.

`builder.smoke.engines.namespace` starts it as a program of its own, mostly as the first process of
a PID namespace. All others end with that one, whatever it ends of (pid_namespaces(7)), and it has
to bury their orphans, as any init has: a TensorBoard that was killed would else be taken for a
running one.
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
# Python ignores these two; what it starts shall not.
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)


class InitArguments(NamedTuple):
    """What it is told on its command line.

    Attributes:
        listener: descriptor of the socket that the host listens on.
        lifeline: descriptor of a pipe, whose other end is closed when all shall end.
        port: where Jupyter will listen on our loopback.
        has_own_namespaces: whether the namespaces are ours; the loopback is still down then.
        workdir: directory of everything that Jupyter and its kernels write.
        words: the program by its path, and its arguments.
    """

    listener: int
    lifeline: int
    port: int
    has_own_namespaces: bool
    workdir: Path
    words: tuple[str, ...]

    def to_command_line(self) -> list[str]:
        """As words of a command line; `parse_arguments` is the way back."""
        numbers = (self.listener, self.lifeline, self.port, int(self.has_own_namespaces))
        return [*map(str, numbers), str(self.workdir), *self.words]


def parse_arguments(words: Sequence[str]) -> InitArguments:
    """The orders on a command line."""
    listener, lifeline, port, alone = map(int, words[:4])
    return InitArguments(listener, lifeline, port, bool(alone), Path(words[4]), tuple(words[5:]))


def enable_loopback() -> None:
    """Bring up `lo`, which is down in a new network namespace (network_namespaces(7)).

    Raises:
        OSError: we may not.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _IFREQ.pack(b"lo", _IFF_UP))


async def supervise_jupyter(arguments: InitArguments) -> int:
    """Stay until Jupyter or the lifeline ends: Jupyter's exit code, or 0 for the lifeline."""
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
    _reap_children(jupyter, set_exit_code)  # it may have ended before anyone listened
    with socket.socket(fileno=arguments.listener) as listener:
        await relay.relay_connections(listener, arguments.port)
        return await end


def _reap_children(jupyter: int, set_exit_code: Callable[[int], None]) -> None:
    """Take leave of all children that have ended, orphans that became ours included."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == jupyter:
                set_exit_code(os.waitstatus_to_exitcode(ended[1]))


def main() -> int:
    """Follow the orders on the command line."""
    arguments = parse_arguments(sys.argv[1:])
    if arguments.has_own_namespaces:
        enable_loopback()
    os.chdir(arguments.workdir / "work")
    try:
        return asyncio.run(supervise_jupyter(arguments)) % 256
    finally:
        if not arguments.has_own_namespaces:
            workdir_processes.kill_workdir_processes(arguments.workdir)


if __name__ == "__main__":
    sys.exit(main())
