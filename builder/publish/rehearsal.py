"""The rehearsal index: pypiserver in this process, on loopback, with a password for uploads.

pypiserver is used and not devpi, which has 28 more dependencies and must be initialised first.
It is one WSGI application that takes its authenticator as a function, so that the password of a
run exists only in this process's memory. It lists sha256 and refuses to replace files. With
`disable_fallback` it never forwards a request to the public index.
"""

from __future__ import annotations

import hmac
import importlib
import logging
import os
import secrets
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from builder.errors import PublishError
from builder.publish.target import REHEARSAL, PublishTarget
from builder.publish.uploader import UploadCredentials
from builder.system.files import make_temporary_directory, try_lock
from builder.system.warning_filters import ignore_warnings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_USER = "rehearsal"


class RehearsalIndex(NamedTuple):
    """A running index: its addresses, and the credentials for uploads."""

    target: PublishTarget
    credentials: UploadCredentials


@contextmanager
def run_rehearsal_index(kept: Path | None = None) -> Iterator[RehearsalIndex]:
    """Run the index for as long as the block lasts.

    Args:
        kept: the directory of its files, which is kept afterwards; None for a temporary one.

    Raises:
        PublishError: the directory is in use, or cannot be written.
    """
    with _open_directory(kept) as directory:
        credentials = UploadCredentials(_USER, secrets.token_urlsafe(32))
        with _serve_directory(directory, credentials) as port:
            url = f"http://127.0.0.1:{port}/"
            target = PublishTarget(REHEARSAL, url, f"{url}simple/", public=False)
            yield RehearsalIndex(target, credentials)


@contextmanager
def _serve_directory(directory: Path, credentials: UploadCredentials) -> Iterator[int]:
    pypiserver = _load_pypiserver()

    def is_known_user(username: str, password: str) -> bool:
        expected = f"{credentials.username}:{credentials.password}"
        return hmac.compare_digest(f"{username}:{password}".encode(), expected.encode())

    application = pypiserver.app(
        roots=[directory],
        authenticate=["update"],
        auther=is_known_user,
        backend_arg="simple-dir",
        disable_fallback=True,
        hash_algo="sha256",
        welcome_msg="",
    )
    # It warns of files that exist already, which its response says too.
    logging.getLogger("pypiserver").setLevel(logging.CRITICAL)
    server = make_server(
        "127.0.0.1", 0, application, server_class=_ThreadingServer, handler_class=_QuietHandler
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _load_pypiserver() -> ModuleType:
    """Import pypiserver without its warnings, and without its changes to `sys.meta_path`.

    Its copy of bottle imports cgi, which Python 3.11 and 3.12 deprecate, and puts an importer of
    an old kind into `sys.meta_path`, of which Python 3.11 warns at every later import.
    """
    finders = list(sys.meta_path)
    try:
        with ignore_warnings():
            return importlib.import_module("pypiserver")
    finally:
        sys.meta_path[:] = finders


@contextmanager
def _open_directory(kept: Path | None) -> Iterator[Path]:
    """Open the directory for the files; one that is kept is locked."""
    if kept is None:
        with make_temporary_directory("tensorboard-wheels-rehearsal-") as workdir:
            yield Path(workdir)
        return
    try:
        kept.mkdir(parents=True, exist_ok=True)
        handle = os.open(kept, os.O_RDONLY)
    except OSError as error:
        raise PublishError(
            f"the rehearsal's directory {kept} cannot be used: {error.strerror}",
            "name another with --rehearsal",
        ) from error
    try:
        if not try_lock(handle):
            raise PublishError(
                f"another rehearsal uses {kept}", "wait for it, or name another --rehearsal"
            )
        yield kept
    finally:
        os.close(handle)


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect."""


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing: the run says what was uploaded, and headers must not be logged."""
