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

from builder.smoke.engines import relay, survivors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# netdevice(7), linux/sockios.h and net/if.h: a `struct ifreq` is a name of 16 bytes, then flags.
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
_IFREQ = struct.Struct("16sh22x")
# Python ignores these two; what it starts shall not.
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)


class Orders(NamedTuple):
    """What it is told on its command line.

    Attributes:
        listener: descriptor of the socket that the host listens on.
        lifeline: descriptor of a pipe, whose other end is closed when all shall end.
        port: where Jupyter will listen on our loopback.
        alone: whether the namespaces are ours; the loopback is still down then.
        room: directory of everything that Jupyter and its kernels write.
        words: the program by its path, and its arguments.
    """

    listener: int
    lifeline: int
    port: int
    alone: bool
    room: Path
    words: tuple[str, ...]

    def spelt(self) -> list[str]:
        """As words of a command line; `read` is the way back."""
        numbers = (self.listener, self.lifeline, self.port, int(self.alone))
        return [*map(str, numbers), str(self.room), *self.words]


def read(words: Sequence[str]) -> Orders:
    """The orders on a command line."""
    listener, lifeline, port, alone = map(int, words[:4])
    return Orders(listener, lifeline, port, bool(alone), Path(words[4]), tuple(words[5:]))


def raise_loopback() -> None:
    """Bring up `lo`, which is down in a new network namespace (network_namespaces(7)).

    Raises:
        OSError: we may not.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _IFREQ.pack(b"lo", _IFF_UP))


async def keep(orders: Orders) -> int:
    """Stay until Jupyter or the lifeline ends: Jupyter's exit code, or 0 for the lifeline."""
    loop = asyncio.get_running_loop()
    end: asyncio.Future[int] = loop.create_future()

    def say(code: int) -> None:
        if not end.done():
            end.set_result(code)

    for descriptor in (orders.listener, orders.lifeline):
        os.set_inheritable(descriptor, False)
    jupyter = os.posix_spawn(orders.words[0], orders.words, os.environ, setsigdef=_IGNORED)
    loop.add_signal_handler(signal.SIGCHLD, _bury, jupyter, say)
    loop.add_signal_handler(signal.SIGTERM, say, 0)
    loop.add_reader(orders.lifeline, say, 0)
    _bury(jupyter, say)  # it may have ended before anyone listened
    with socket.socket(fileno=orders.listener) as listener:
        await relay.serve(listener, orders.port)
        return await end


def _bury(jupyter: int, say: Callable[[int], None]) -> None:
    """Take leave of all children that have ended, orphans that became ours included."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == jupyter:
                say(os.waitstatus_to_exitcode(ended[1]))


def main() -> int:
    """Follow the orders on the command line."""
    orders = read(sys.argv[1:])
    if orders.alone:
        raise_loopback()
    os.chdir(orders.room / "work")
    try:
        return asyncio.run(keep(orders)) % 256
    finally:
        if not orders.alone:
            survivors.end(orders.room)


if __name__ == "__main__":
    sys.exit(main())
