"""Drive a kernel as a front end does: REST to start it, a WebSocket for its messages.

The messages are sent as JSON texts, the default protocol of the socket, which the notebook server
of 2019 supports as today's jupyter-server does (jupyter-server's document "WebSocket kernel wire
protocols"). jupyter-kernel-client, which could do this, puts the token into the address.
"""

from __future__ import annotations

import json
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import websocket

from builder.smoke.jupyter.channels import open_websocket
from builder.smoke.jupyter.messages import CellExecution, KernelMessage
from builder.smoke.model import ProbeFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.smoke.jupyter.http_client import JupyterClient

# Seconds: until Jupyter must have started a kernel, until the kernel must answer, until its first
# request is repeated, until it must have ended, between two tries of that, and for a cell without a
# limit of its own.
_START_TIMEOUT, _ANSWER_TIMEOUT = 40.0, 40.0
_REPEAT_INTERVAL = 1.0
_END_TIMEOUT, _PAUSE = 20.0, 0.1
CELL_TIMEOUT = 30.0
_BROKEN = (websocket.WebSocketException, OSError)
_GONE = ("restarting", "autorestarting", "dead")


class Kernel:
    """A running kernel of a notebook.

    Args:
        client: HTTP client of its Jupyter.
        identity: its id there.

    Raises:
        ProbeFailure: it does not answer in time.
    """

    def __init__(self, client: JupyterClient, identity: str) -> None:
        self.identity = identity
        self._client = client
        self._session = uuid.uuid4().hex
        self._socket = open_websocket(
            client, f"api/kernels/{identity}/channels?session_id={self._session}"
        )

    def close(self) -> None:
        """Close the connection; the kernel keeps running."""
        self._socket.close(timeout=1)

    def run_cell(self, code: str, *, timeout: float = CELL_TIMEOUT) -> CellExecution:
        """Run a cell to its end; an error in the cell is part of the result.

        Args:
            code: the cell's source.
            timeout: seconds.

        Raises:
            ProbeFailure: it took longer, or the kernel died meanwhile.
        """
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        began = time.monotonic()
        request_id = self._send_message("execute_request", content)
        messages: list[KernelMessage] = []
        replied: float | None = None
        idle = False
        while replied is None or not idle:
            message = self._receive_message(began + timeout)
            if message is None:
                raise ProbeFailure(
                    f"a cell ran longer than {timeout:g} s: {_quote_first_line(code)}"
                )
            kind, body = message["header"]["msg_type"], message["content"]
            if kind == "status" and body["execution_state"] in _GONE:
                raise ProbeFailure(f"the kernel died in the cell {_quote_first_line(code)}")
            if message["parent_header"].get("msg_id") != request_id:
                continue
            seconds = time.monotonic() - began
            if kind == "execute_reply":
                replied = seconds
            elif kind == "status":
                idle = body["execution_state"] == "idle"
            elif kind != "execute_input":
                messages.append(KernelMessage(kind, body, seconds))
        return CellExecution(tuple(messages), replied)

    def evaluate_json(self, code: str, *, timeout: float = CELL_TIMEOUT) -> Any:
        """Run a cell that prints JSON as its last line, and return the parsed JSON.

        Raises:
            ProbeFailure: it raised an error, or printed no JSON.
        """
        execution = self.run_cell(code, timeout=timeout)
        if execution.error is not None:
            raise ProbeFailure(f"the cell {_quote_first_line(code)} failed: {execution.error}")
        try:
            return json.loads(execution.get_stream_text().strip().splitlines()[-1])
        except (ValueError, IndexError) as error:
            raise ProbeFailure(f"the cell {_quote_first_line(code)} printed no JSON") from error

    def wait_until_ready(self) -> None:
        """Repeat a request until the kernel answers.

        Messages that are sent before all its channels are connected may be lost.

        Raises:
            ProbeFailure: it does not answer in time.
        """
        deadline = time.monotonic() + _ANSWER_TIMEOUT
        while time.monotonic() < deadline:
            request_id = self._send_message("kernel_info_request", {})
            if self._is_answered(request_id, min(deadline, time.monotonic() + _REPEAT_INTERVAL)):
                return
        raise ProbeFailure(f"the kernel did not answer within {_ANSWER_TIMEOUT:.0f} s")

    def _is_answered(self, request_id: str, deadline: float) -> bool:
        """Whether both channels, shell and IOPub, bring a message about that request."""
        seen: set[str] = set()
        while {"kernel_info_reply", "status"} - seen:
            message = self._receive_message(deadline)
            if message is None:
                return False
            if message["parent_header"].get("msg_id") == request_id:
                seen.add(message["header"]["msg_type"])
        return True

    def _send_message(self, kind: str, content: dict[str, Any]) -> str:
        identity = uuid.uuid4().hex
        header = {
            "msg_id": identity,
            "msg_type": kind,
            "session": self._session,
            "username": "",
            "date": "",
            "version": "5.3",
        }
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        text = json.dumps(message | {"channel": "shell", "buffers": []})
        try:
            self._socket.send(text)
        except _BROKEN as error:
            raise ProbeFailure(f"the connection to the kernel broke: {error}") from error
        return identity

    def _receive_message(self, deadline: float) -> dict[str, Any] | None:
        """Receive the next message; None if there is none before the deadline."""
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                text = self._socket.recv()
            except websocket.WebSocketTimeoutException:
                return None
            except _BROKEN as error:
                raise ProbeFailure(f"the connection to the kernel broke: {error}") from error
            if isinstance(text, str) and text:  # binary messages carry buffers of widgets
                message: dict[str, Any] = json.loads(text)
                return message
        return None


@contextmanager
def start_kernel(client: JupyterClient, notebook: str) -> Iterator[Kernel]:
    """Start a kernel of the server's default kind for a notebook; it ends with the block.

    If the notebook has a kernel already, that one is used.

    Args:
        client: HTTP client of Jupyter.
        notebook: path below Jupyter's root; the kernel starts in its directory.

    Raises:
        ProbeFailure: it does not start, or does not answer.
    """
    session = _create_session(client, notebook)
    try:
        with _connect_kernel(client, session) as kernel:
            yield kernel
    finally:
        end_session(client, session["id"])


@contextmanager
def start_lasting_kernel(client: JupyterClient, notebook: str) -> Iterator[Kernel]:
    """Start a new kernel that the block's end does not end, for callers that end its server.

    Args:
        client: HTTP client of Jupyter.
        notebook: see `start_kernel`.

    Raises:
        ProbeFailure: it does not start, or does not answer.
    """
    with _connect_kernel(client, _create_session(client, notebook)) as kernel:
        yield kernel


def _create_session(client: JupyterClient, notebook: str) -> dict[str, Any]:
    specs = client.call_api("GET", "kernelspecs")
    name = specs.get("default") if isinstance(specs, dict) else None
    if not isinstance(name, str):
        raise ProbeFailure(f"{client.url} names no kernel to start, so it is no Jupyter")
    wanted = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": name}}
    session: dict[str, Any] = client.call_api("POST", "sessions", wanted, timeout=_START_TIMEOUT)
    return session


@contextmanager
def _connect_kernel(client: JupyterClient, session: dict[str, Any]) -> Iterator[Kernel]:
    kernel = Kernel(client, session["kernel"]["id"])
    try:
        kernel.wait_until_ready()
        yield kernel
    finally:
        kernel.close()


def end_session(client: JupyterClient, session: str) -> None:
    """End a session and its kernel, if it still exists.

    While a dead kernel is being restarted, jupyter-server answers 500 to that, so the request is
    repeated.

    Raises:
        ProbeFailure: it still exists after `_END_TIMEOUT` seconds.
    """
    deadline = time.monotonic() + _END_TIMEOUT
    while True:
        try:
            client.call_api("DELETE", f"sessions/{session}", expect=(204, 404))
        except ProbeFailure:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _quote_first_line(code: str) -> str:
    lines = code.strip().splitlines() or [""]
    return repr(lines[0][:80])
