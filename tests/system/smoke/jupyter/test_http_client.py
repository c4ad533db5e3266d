"""The way to Jupyter leads to its origin only, within a deadline, and shows no token."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from builder.smoke.jupyter.http_client import BarredOriginError, JupyterClient
from builder.smoke.model import ProbeFailure
from builder.system.redact import Secret
from tests.support.http_servers import running
from tests.support.limits import scaled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

TOKEN = "canary-token"
# The server waits until this is set, or so many seconds; then it answers whoever has waited.
GONE, HANG = threading.Event(), 10.0


class Handler(BaseHTTPRequestHandler):
    """Says what it was asked for; some paths do other things."""

    def do_GET(self) -> None:
        """Answer."""
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"moved")
            return
        if self.path == "/mute":
            GONE.wait(HANG)
        body = f"{self.path} {self.headers.get('Authorization')}".encode()
        self.send_response(404 if self.path.endswith("/none") else 200)
        more = 99 if self.path in {"/cut", "/slow", "/stall"} else 0
        self.send_header("Content-Length", str(len(body) + more))
        self.end_headers()
        self.wfile.write(body)
        if self.path == "/stall":
            GONE.wait(HANG)
        if self.path == "/slow":
            for _ in range(more):
                self.wfile.write(b".")
                self.wfile.flush()
                GONE.wait(HANG / more)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def server() -> AbstractContextManager[str]:
    """Its address, with a slash at its end."""
    return running(ThreadingHTTPServer(("127.0.0.1", 0), Handler))


@pytest.fixture(scope="module")
def here() -> Iterator[str]:
    """Jupyter's stand-in: any HTTP server will do."""
    with server() as url:
        yield url


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """Another origin, which runs and would answer."""
    with server() as url:
        yield url


def test_token_travels_in_a_header(here: str) -> None:
    """And is in no address, and in no text of the object."""
    web = JupyterClient(here, Secret(TOKEN))
    answer = web.send_request("a/b?c=d")
    assert answer.text == f"/a/b?c=d token {TOKEN}"
    assert TOKEN not in answer.url + repr(web)
    web.close()


def test_other_origins_are_barred(here: str, elsewhere: str) -> None:
    """By address and by redirect; the positive control is that the other one answers others."""
    web = JupyterClient(here, Secret(TOKEN))
    assert requests.get(elsewhere, timeout=5).status_code == 200
    for address in (elsewhere, f"to?{elsewhere}", elsewhere.replace("127.0.0.1", "localhost")):
        with pytest.raises(BarredOriginError, match="not Jupyter's origin"):
            web.send_request(address, follow=True)
    assert web.send_request(f"to?{here}x", follow=True).url == f"{here}x"
    assert web.send_request(f"to?{elsewhere}")[1::2] == (302, b"moved")
    web.close()


@given(st.text(max_size=30))
def test_no_text_leads_elsewhere(text: str) -> None:
    """Nothing that looks like an address gets a request past the origin: there is nobody here."""
    web = JupyterClient("http://127.0.0.1:1/foo/")
    with pytest.raises((requests.RequestException, ValueError)):
        web.send_request(f"http://127.0.0.1:1@{text}/", timeout=0.5)
    web.close()


def test_environment_has_no_say(here: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment is not asked."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(requests.RequestException):
        requests.get(here, timeout=5)  # the control
    web = JupyterClient(here)
    assert web.send_request("x").status == 200
    web.close()


@pytest.mark.alone  # it judges by time
@pytest.mark.parametrize("path", ["slow", "mute", "stall"])
def test_deadline_is_for_the_whole_answer(path: str, here: str) -> None:
    """One that drips, says nothing, or stops halfway is not waited for; the deadline is told.

    Without a deadline there would be an answer after ten seconds, and no such error.
    """
    web = JupyterClient(here)
    GONE.clear()
    began = time.monotonic()
    try:
        with pytest.raises(requests.Timeout, match=r"within 0\.3 s"):
            web.send_request(path, timeout=0.3)
        assert time.monotonic() - began < scaled(1.5)
    finally:
        GONE.set()
        web.close()


def test_cut_answers_are_none(here: str) -> None:
    """Fewer bytes than announced are an error."""
    web = JupyterClient(here)
    with pytest.raises(requests.RequestException):
        web.send_request("cut")
    web.close()


def test_failures_say_what_was_seen(here: str) -> None:
    """The status, where a redirect leads, and that JSON is none."""
    web = JupyterClient(here)
    with pytest.raises(ProbeFailure, match="none answers 404 instead of 200"):
        web.send_request("none").expect_status(200)
    with pytest.raises(ProbeFailure, match="answers 302 to /login instead of 200"):
        web.send_request("to?/login?next=x").expect_status(200)
    with pytest.raises(ProbeFailure, match="no JSON"):
        web.send_request("x").parse_json()
    with pytest.raises(ProbeFailure, match="GET api/none answers 404"):
        web.call_api("GET", "none")
    web.close()
