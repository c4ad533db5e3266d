"""A package index on loopback that does what none should: lie, break off, ask for a password."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.support.http_servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.model import ListedWheel


@dataclass
class ServedFiles:
    """What the index has, and how it behaves.

    Attributes:
        files: file name → the bytes that it serves.
        hashes: file name → the sha256 that it lists, where that is not the truth.
        cut: serve only so many bytes of a file, after announcing all of them.
        trickle: seconds between pieces of 64 kB of a file; 0 for all at once.
        password: what it asks for, with any user name; None for no authentication.
        requests: the paths that were asked for.
        pinned: what it lists besides and does not serve, so that it has to be in the cache.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    trickle: float = 0
    password: str | None = None
    requests: list[str] = field(default_factory=list)
    pinned: Sequence[ListedWheel] = ()


@contextmanager
def serving(served: ServedFiles) -> Iterator[str]:
    """Serve the shelf for as long as the block lasts; gives the index's `host:port`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append(self.path)
            if not self._authorized():
                self._answer(401, b"")
            elif self.path == "/simple/tensorboard/":
                self._answer(200, json.dumps(_page(served)).encode())
            elif self.path.startswith("/files/") and self.path[7:] in served.files:
                self._answer(200, served.files[self.path[7:]], served.cut)
            else:
                self._answer(404, b"")

        def _authorized(self) -> bool:
            if served.password is None:
                return True
            given = self.headers.get("Authorization", "").removeprefix("Basic ")
            return base64.b64decode(given).decode().endswith(f":{served.password}")

        def _answer(self, code: int, body: bytes, cut: int | None = None) -> None:
            self.send_response(code)
            self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # the client has seen enough
                for start in range(0, len(body[:cut]), 1 << 16):
                    self.wfile.write(body[:cut][start : start + (1 << 16)])
                    stopping.wait(served.trickle)

        def log_message(self, *_: Any) -> None:
            pass

    stopping = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with running(server):
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            stopping.set()


def _page(served: ServedFiles) -> dict[str, Any]:
    """The project page (PEP 691)."""
    files: list[dict[str, Any]] = [
        {
            "filename": name,
            "url": f"/files/{name}",
            "hashes": {"sha256": served.hashes.get(name, hashlib.sha256(content).hexdigest())},
            "size": len(content),
            "upload-time": "2026-01-01T00:00:00Z",
        }
        for name, content in served.files.items()
    ]
    files += [
        {
            "filename": wheel.filename,
            "url": f"/files/{wheel.filename}",
            "hashes": {"sha256": wheel.sha256},
            "size": wheel.size,
            "upload-time": wheel.upload_time,
            "requires-python": wheel.requires_python,
            "yanked": wheel.yanked,
        }
        for wheel in served.pinned
    ]
    return {"meta": {"api-version": "1.1"}, "name": "tensorboard", "files": files, "versions": []}
