"""What the stand-ins that speak HTTP have in common: a thread, TLS, and an orderly end."""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import HTTPServer
    from pathlib import Path


@contextmanager
def running(server: HTTPServer, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve for as long as the block lasts; gives the address, with a slash at its end.

    Args:
        server: bound to an IPv4 address.
        tls: makes it speak TLS.
    """
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://{server.server_address[0]!s}:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def tls_with(certificate: Path) -> ssl.SSLContext:
    """TLS for a server, from a file that has its key and its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
