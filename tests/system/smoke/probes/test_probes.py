"""Probes that are asked of a server: effects told apart, deadlines stated."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.jupyter.notebook import NotebookRun
from builder.smoke.jupyter.notebook_session import NotebookSession
from builder.smoke.jupyter.tensorboard_client import TensorBoardClient
from builder.smoke.model import Deployment, Frontend, JupyterSite, ProbeFailure, VariableEffect
from builder.smoke.probes import forms
from builder.system.redact import Secret
from tests.support.http_servers import running
from tests.support.smoke_page import INSTALLED

if TYPE_CHECKING:
    from collections.abc import Iterator


class Handler(BaseHTTPRequestHandler):
    """A Jupyter in which some frames show TensorBoard and others do not."""

    def do_GET(self) -> None:
        """Answer."""
        status, body = {
            "/lab/proxy/1/": (200, "<title>TensorBoard</title>"),
            "/lab/proxy/1/data/plugins_listing": (200, '{"scalars": {}}'),
            "/lab/proxy/2": (200, "<title>TensorBoard</title>"),
            "/lab/proxy/3/": (200, "<title>Home</title>"),
            "/lab/proxy/4/": (500, ""),
        }.get(self.path, (404, ""))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def visit() -> Iterator[NotebookSession]:
    """A visit without a kernel, which judging a frame does not need."""
    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as root:
        url = f"{root}lab/"
        site = JupyterSite(Deployment("x", Frontend.LAB, "/lab/"), url, Secret("t"), INSTALLED)
        absent: Any = None
        yield NotebookSession(
            site, NotebookRun.with_new_canary(INSTALLED), JupyterClient(url), absent
        )


@pytest.mark.parametrize(
    ("address", "effect"),
    [
        ("{url}proxy/1/", VariableEffect.WORKS),
        ("{url}proxy/2", "the page alone"),  # what it asks for is not beside it
        ("{url}proxy/3/", "200 and no TensorBoard"),
        ("{url}proxy/4/", VariableEffect.NOBODY),
        ("{url}proxy/5/", VariableEffect.NOT_FOUND),
        ("http://127.0.0.1:6006/", VariableEffect.AS_UNSET),
        ("http://localhost:6006/", VariableEffect.AS_UNSET),
        ("http://127.0.0.1:6007/", "another origin"),
        ("https://elsewhere.invalid/", "another origin"),
    ],
)
def test_effects_are_told_apart(visit: NotebookSession, address: str, effect: str) -> None:
    """What a frame shows, for each way in which it may."""
    seen = forms.determine_effect(visit, address.replace("{url}", visit.site.url), 6006)
    assert str(seen).startswith(effect)


def test_waiting_states_its_deadline(visit: NotebookSession) -> None:
    """And the last answer."""
    board = TensorBoardClient(visit.client, f"{visit.site.url}proxy/1/")
    assert board.wait_for_json("it", "/data/plugins_listing", lambda got: "scalars" in got, 5) == {
        "scalars": {}
    }
    with pytest.raises(ProbeFailure, match="it not there within 0 s; the last answer is 404"):
        board.wait_for_json("it", "/data/none", bool, 0)
