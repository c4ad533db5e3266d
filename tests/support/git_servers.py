"""A git server on loopback: `git http-backend` behind CGI, perhaps with a password, or a proxy."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support.http_servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Log:
    """What a server was asked, and how it behaves.

    Attributes:
        requests: method and path of each request, and `401` behind one that it refused.
        command_lines: of all programs that ran while it was asked.
        asked: set at the first request.
        silent: answer nothing, ever.
    """

    requests: list[str] = field(default_factory=list)
    command_lines: set[str] = field(default_factory=set)
    asked: threading.Event = field(default_factory=threading.Event)
    silent: bool = False


def command_lines() -> set[str]:
    """The words of all programs that run."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


class _Server(ThreadingHTTPServer):
    def __init__(self, root: Path, log: Log, password: str | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.log = log
        self.password = password
        self.stopping = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            self._serve(b"".join(self._chunks()))
        else:
            self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _serve(self, body: bytes) -> None:
        log, password = self.server.log, self.server.password
        log.requests.append(f"{self.command} {self.path}")
        log.command_lines |= command_lines()
        log.asked.set()
        if log.silent:
            self.server.stopping.wait()
            return
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        if password and not base64.b64decode(given).decode().endswith(f":{password}"):
            log.requests.append("401")
            self._answer(401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
            return
        words, env = ["git", "http-backend"], self._cgi(body)
        done = subprocess.run(words, env=env, input=body, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n"))
        self._answer(int(headers.pop("Status", "200")[:3]), headers, content)

    def _cgi(self, body: bytes) -> dict[str, str]:
        # A proxy is asked for whole URLs.
        _, _, path, query, _ = urlsplit(self.path)
        return {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }

    def _answer(self, code: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def http_server(root: Path, log: Log, password: str | None = None) -> Iterator[str]:
    """Serve the repositories in a directory; gives `host:port`.

    Args:
        root: has the repositories.
        log: told of each request.
        password: what it asks for, with any user name; None for no authentication.
    """
    server = _Server(root, log, password)
    with running(server):
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.stopping.set()
