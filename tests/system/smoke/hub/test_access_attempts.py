"""One user's attempts on another's server: whether anything was read, or nobody was there."""

from __future__ import annotations

import json
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from builder.smoke.hub.access_attempts import AttemptResult, UserTensorBoard, try_access
from builder.smoke.hub.configurations import HUB_CONFIGURATIONS
from builder.smoke.hub.site import Hub
from builder.smoke.hub_run import run_hub_layers
from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.model import ProbeOutcome
from builder.smoke.probes.table import PROBE_TABLE
from builder.smoke.results.recorder import ProbeRecorder
from builder.smoke.run import SmokeContext
from builder.system.redact import Secret
from tests.support.http_servers import running

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

_CANARY = "canary-5eb0a1"


class _Jupyter(BaseHTTPRequestHandler):
    """Serves a TensorBoard to those with a token, a mistake to `leak`, refusals to the others."""

    def do_GET(self) -> None:
        if self.path.startswith("/hub/login"):
            self._say(200, "<form>")
        elif self.headers.get("Authorization") == "token hers":
            self._say(200, "<title>TensorBoard</title>")
        elif self.path.startswith("/leak/") and self.path.endswith("/tags"):
            self._say(200, json.dumps({"train": {_CANARY: {}}}))
        elif self.headers.get("Authorization"):
            self._say(403, "")
        else:
            self._say(302, "", Location="/hub/login")

    def do_POST(self) -> None:
        self._say(403, "")

    def log_message(self, *words: Any) -> None:
        """Say nothing."""

    def _say(self, status: int, body: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


def _jupyter() -> AbstractContextManager[str]:
    return running(ThreadingHTTPServer(("127.0.0.1", 0), _Jupyter))


@pytest.mark.parametrize(
    ("token", "path", "statuses", "reported"),
    [
        ("hers", "proxy/6006/", ("200", "200", "403"), (True, True, False)),
        ("his", "proxy/6006/", ("403", "403", "403"), (False, False, False)),
        (None, "proxy/6006/", ("login", "login", "403"), (False, False, False)),
        ("his", "leak/", ("403", "200", "403"), (False, True, False)),
    ],
)
def test_an_attempt_tells_whether_anything_was_read(
    token: str | None, path: str, statuses: tuple[str, ...], reported: tuple[bool, ...]
) -> None:
    """TensorBoard's page is a leak, so is a canary below a page that is refused; a form is none."""
    with (
        _jupyter() as url,
        closing(JupyterClient(url, None if token is None else Secret(token))) as web,
    ):
        seen = try_access(web, f"{url}{path}", UserTensorBoard("/", 6006, _CANARY))
    assert seen == AttemptResult(statuses, reported)
    assert seen.is_readable == any(reported)


def test_what_was_due_without_a_server_is_not_missing(tmp_path: Path) -> None:
    """Where nobody gets in, every probe of every layer is in the result, as failed."""
    nothing: Any = None
    how = SmokeContext("none", None, tmp_path, lambda *_: None, lambda: None, print)
    for configuration in (c for c in HUB_CONFIGURATIONS if not c.contained):
        hub = Hub(nothing, configuration, nothing, nothing, "http://127.0.0.1:9/", "")
        record = ProbeRecorder()
        run_hub_layers(how, hub, 2, record, tmp_path)
        layers = set(configuration.layers)
        layers |= {"hub"} if configuration.to_deployment("x").layers else set()
        layers |= {"strangers", "shared-loopback"} if "isolation" in layers else set()
        due = {name for name, row in PROBE_TABLE.items() if row.layer in layers - {"isolation"}}
        assert {result.name for result in record.results} == due
        assert {result.outcome for result in record.results} == {ProbeOutcome.FAILED}
