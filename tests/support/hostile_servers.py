"""Servers on loopback that hold a client up: nothing, a byte now and then, or without an end."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builder.model import ListedWheel

    # How a server treats a connection, until it is stopped.
    Manner = Callable[[socket.socket, threading.Event], None]

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.pypi.simple.v1+json\r\n"
_PIECE = b" " * (1 << 16)
# 64 MB of spaces in 64 kB, to be sent again and again: gzip's members are read one after the other.
_BOMB = gzip.compress(b" " * (64 << 20))


def keep_silent(connection: socket.socket, stopping: threading.Event) -> None:
    """Answer nothing."""
    del connection
    stopping.wait()


def trickle_head(connection: socket.socket, stopping: threading.Event) -> None:
    """Send a header a byte at a time, without an end."""
    connection.sendall(_HEAD + b"X-Slow: ")
    while not stopping.wait(0.2):
        connection.sendall(b"x")


def trickle_body(connection: socket.socket, stopping: threading.Event) -> None:
    """Send a body a byte at a time, without an end."""
    connection.sendall(_HEAD + b"Content-Length: 1000000\r\n\r\n")
    while not stopping.wait(0.2):
        connection.sendall(b" ")


def send_endless_body(connection: socket.socket, stopping: threading.Event) -> None:
    """Send a body as fast as it goes, without an end."""
    connection.sendall(_HEAD + b"Connection: close\r\n\r\n")
    while not stopping.is_set():
        connection.sendall(_PIECE)


def send_endless_gzip(connection: socket.socket, stopping: threading.Event) -> None:
    """Send a body that is a thousand times as long when it is unpacked, without an end."""
    connection.sendall(_HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n")
    while not stopping.is_set():
        connection.sendall(_BOMB)


def redirect_forever(connection: socket.socket, stopping: threading.Event) -> None:
    """Redirect to itself."""
    del stopping
    connection.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )


def flood_headers(connection: socket.socket, stopping: threading.Event) -> None:
    """Send headers without an end."""
    connection.sendall(_HEAD)
    while not stopping.is_set():
        connection.sendall(b"X-More: and more\r\n" * 1000)


def continue_forever(connection: socket.socket, stopping: threading.Event) -> None:
    """Answer that the client may go on (100), without an end."""
    while not stopping.is_set():
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


MANNERS = (
    keep_silent,
    trickle_head,
    trickle_body,
    send_endless_body,
    send_endless_gzip,
    redirect_forever,
    flood_headers,
    continue_forever,
)


class HostileServer:
    """Answers every request in one manner.

    Args:
        manner: how it answers.
        answer_well: gives what it answers honestly to a request's path; None for nothing.
        reads_all: whether it takes all that a client sends before it answers.

    Attributes:
        host: its `host:port`.
        asked: set when a request came that it answers so.
    """

    def __init__(
        self,
        manner: Manner,
        answer_well: Callable[[str], bytes | None],
        *,
        reads_all: bool,
    ) -> None:
        self.asked = threading.Event()
        self._manner = manner
        self._answer_well = answer_well
        self._reads_all = reads_all
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        """Accept connections until it is stopped."""
        while not self._stopping.is_set():
            with suppress(OSError):
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,)).start()

    def stop(self) -> None:
        """End all connections."""
        self._stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client has gone
            # What it sends back must not wait for a client that reads no more.
            connection.settimeout(20)
            request = connection.recv(1 << 16)
            if self._reads_all:
                _read_body(connection, request)
            path = request.split(b" ")[1].decode() if b" " in request else ""
            page = self._answer_well(path)
            if page is not None:
                size = f"Content-Length: {len(page)}\r\nConnection: close\r\n\r\n"
                connection.sendall(_HEAD + size.encode() + page)
            elif request:
                self.asked.set()
                self._manner(connection, self._stopping)


def _read_body(connection: socket.socket, request: bytes) -> None:
    """Read the rest of a request whose length is announced."""
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: ([0-9]+)", head)
    left = int(length[1]) - len(body) if length else 0
    while left > 0 and (piece := connection.recv(1 << 16)):
        left -= len(piece)


def list_wheel(wheel: ListedWheel) -> Callable[[str], bytes | None]:
    """Answer well where a project's page is asked for: the page lists this wheel (PEP 691)."""
    listed = {
        "filename": wheel.filename,
        "url": f"/files/{wheel.filename}",
        "hashes": {"sha256": wheel.sha256},
        "size": wheel.size,
    }
    page = {"meta": {"api-version": "1.1"}, "name": "tensorboard", "files": [listed]}
    content = json.dumps({**page, "versions": []}).encode()
    return lambda path: content if path.startswith("/simple/") else None


@contextmanager
def run_hostile_server(
    manner: Manner,
    answer_well: Callable[[str], bytes | None] = lambda _: None,
    *,
    reads_all: bool = True,
) -> Iterator[HostileServer]:
    """Run a server for as long as the block lasts; the arguments are those of the class."""
    server = HostileServer(manner, answer_well, reads_all=reads_all)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
