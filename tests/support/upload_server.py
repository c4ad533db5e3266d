"""An index on loopback that takes uploads, and misbehaves in every way that indexes do."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from requests_toolbelt.multipart.decoder import MultipartDecoder

from tests.support.http_servers import running, tls_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Bytes of a body that are read before the connection is cut.
_CUT = 100_000


class Act(NamedTuple):
    """What the index does with one upload.

    Attributes:
        status: what it answers; None for nothing at all.
        text: what it says; `{authorization}` gives back what the client sent.
        store: whether it stores the file before.
        headers: what it answers besides.
        cut: reset the connection in the middle of the body.
    """

    status: int | None = 200
    text: str = ""
    store: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    cut: bool = False


CANARY = "pypi-canary-27182818284"
STORE = Act(store=True)


@dataclass
class Conduct:
    """What the index has, and how it behaves.

    Attributes:
        acts: what it does with the uploads, one after the other; the last one for all that follow.
        files: file name → stored bytes.
        hidden: how many listings after an upload do not show what is stored.
        lists: the sha256 that it lists for every file, where that is not the truth.
        serves: the bytes that it serves for every file, where they are not what is stored.
        unserved: how many downloads are answered 404.
        read_status: what it answers to each reading, if not 200.
        once: refuse a file whose name it has, as real indexes do.
        posts: uploads that were begun.
        authorizations: what clients sent as credentials.
        stored: file names in the order in which they were stored.
        form: the fields of the last upload.
        besides: what it answers at other paths, to a request's body: the status and what it says.
        kept: set once a file was stored, whatever its client heard of it.
    """

    acts: deque[Act] = field(default_factory=lambda: deque([STORE]))
    files: dict[str, bytes] = field(default_factory=dict)
    hidden: int = 0
    lists: str | None = None
    serves: bytes | None = None
    unserved: int = 0
    read_status: int = 200
    once: bool = False
    posts: int = 0
    authorizations: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    form: dict[str, bytes] = field(default_factory=dict)
    besides: dict[str, Callable[[bytes], tuple[int, str]]] = field(default_factory=dict)
    kept: threading.Event = field(default_factory=threading.Event)


class _Server(ThreadingHTTPServer):
    """The index, its conduct, and whether it is going away; closing it ends every upload."""

    daemon_threads = False

    def __init__(self, conduct: Conduct) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.conduct = conduct
        self.changing = threading.Lock()
        self.stopping = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    @property
    def conduct(self) -> Conduct:
        return self.server.conduct

    def do_POST(self) -> None:
        if self._answered_besides():
            return
        sent = self.headers.get("Authorization", "")
        with self.server.changing:
            acts = self.conduct.acts
            self.conduct.posts += 1
            act = acts.popleft() if len(acts) > 1 else acts[0]
            self.conduct.authorizations.append(sent)
        if act.cut:
            self.rfile.read(_CUT)
            # A reset, not an orderly end (SO_LINGER with no time).
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if act.store and not self._store(body):
            self._answer(400, b"File already exists")
            return
        if act.status is None:
            self.server.stopping.wait()
            return
        decoded = base64.b64decode(sent.removeprefix("Basic ")).decode()
        text = act.text.replace("{authorization}", f"{sent} {decoded}")
        self._answer(act.status, text.encode(), act.headers)

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if self._answered_besides():
            return
        if self.conduct.read_status != 200:
            self._answer(self.conduct.read_status, b"")
        elif self.path.startswith("/simple/"):
            self._list(self.path.split("/")[2])
        elif self.conduct.unserved > 0:
            self.conduct.unserved -= 1
            self._answer(404, b"")
        elif name in self.conduct.files:
            served = (
                self.conduct.files[name] if self.conduct.serves is None else self.conduct.serves
            )
            self._answer(200, served)
        else:
            self._answer(404, b"")

    def _answered_besides(self) -> bool:
        answer = self.conduct.besides.get(self.path.partition("?")[0])
        if answer is not None:
            status, text = answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self._answer(status, text.encode())
        return answer is not None

    def _store(self, body: bytes) -> bool:
        """Whether it was stored: to look and to store are one step, also for two clients."""
        form, filename = {}, ""
        for part in MultipartDecoder(body, self.headers["Content-Type"]).parts:
            label = part.headers[b"Content-Disposition"].decode()
            field_name = label.split('name="')[1].split('"')[0]
            form[field_name] = part.content
            if field_name == "content":
                filename = label.split('filename="')[1].split('"')[0]
        with self.server.changing:
            if self.conduct.once and filename in self.conduct.files:
                return False
            self.conduct.form.update(form)
            self.conduct.files[filename] = form["content"]
            self.conduct.stored.append(filename)
        self.conduct.kept.set()
        return True

    def _list(self, project: str) -> None:
        shown = self.conduct.files
        if self.conduct.hidden > 0 and self.conduct.posts:
            self.conduct.hidden -= 1
            shown = {}
        files = [
            {
                "filename": name,
                "url": f"/files/{name}",
                "hashes": {"sha256": self.conduct.lists or hashlib.sha256(content).hexdigest()},
            }
            for name, content in shown.items()
            if name.partition("-")[0] == project
        ]
        page = {"meta": {"api-version": "1.0"}, "name": project, "files": files}
        kind = ("Content-Type", "application/vnd.pypi.simple.v1+json")
        self._answer(200 if files else 404, json.dumps(page).encode(), (kind,))

    def _answer(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.send_response(status)
        for key, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(key, value)
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def misbehaving(conduct: Conduct, certificate: Path | None = None) -> Iterator[str]:
    """Run the index for as long as the block lasts; gives its URL, with a slash at the end.

    With a file that has a key and a certificate, it speaks TLS.
    """
    server = _Server(conduct)
    with running(server, tls_with(certificate) if certificate else None) as url:
        try:
            yield url
        finally:
            server.stopping.set()
