"""The WebSocket to a kernel's channels."""

from __future__ import annotations

import socket
import ssl
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import websocket

from builder.smoke.model import ProbeFailure

if TYPE_CHECKING:
    from builder.smoke.jupyter.http_client import JupyterClient

# Seconds. jupyter-server answers once the kernel has answered its request, or after a minute
# (`MappingKernelManager.kernel_info_timeout`) if that request was lost. It is lost if the kernel's
# ports are taken: jupyter_client chooses them before the kernel starts, and two servers on one
# loopback may choose the same. Then the kernel ends and is restarted, and gets no second request.
CHANNEL_TIMEOUT = 75.0


def open_websocket(client: JupyterClient, path: str) -> websocket.WebSocket:
    """Open a WebSocket below Jupyter's base URL, directly: no proxy, no redirect.

    Args:
        client: HTTP client of Jupyter.
        path: path below its base URL.

    Raises:
        ProbeFailure: it cannot be opened.
    """
    try:
        return _perform_handshake(client, path)
    except websocket.WebSocketBadStatusException as error:
        raise ProbeFailure(f"Jupyter answers {error.status_code} to a WebSocket") from error
    except (websocket.WebSocketException, OSError) as error:
        raise ProbeFailure(f"there is no connection to the kernel: {error}") from error


def _perform_handshake(client: JupyterClient, path: str) -> websocket.WebSocket:
    parts = urlsplit(client.url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    with ExitStack() as stack:
        tcp_socket = stack.enter_context(
            socket.create_connection((host, port), timeout=CHANNEL_TIMEOUT)
        )
        if secure:
            tcp_socket = _make_ssl_context(client.ca_bundle).wrap_socket(
                tcp_socket, server_hostname=host
            )
            stack.enter_context(tcp_socket)
        connection = websocket.create_connection(
            f"{'wss' if secure else 'ws'}://{parts.netloc}{parts.path}{path}",
            socket=tcp_socket,
            header=[f"{name}: {value}" for name, value in client.authorization.items()],
            redirect_limit=0,
            timeout=CHANNEL_TIMEOUT,
        )
        stack.pop_all()
    return connection


def _make_ssl_context(ca_bundle: str | None) -> ssl.SSLContext:
    """Make a context that trusts the CAs of a file or directory, or those that requests trusts."""
    bundle = Path(ca_bundle or requests.utils.DEFAULT_CA_BUNDLE_PATH)
    if bundle.is_dir():
        return ssl.create_default_context(capath=str(bundle))
    return ssl.create_default_context(cafile=str(bundle))
