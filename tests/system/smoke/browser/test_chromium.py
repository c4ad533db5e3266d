"""A real Chromium: missing or broken, ended with its run, and kept from other ports."""

from __future__ import annotations

import io
import os
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest
from playwright.sync_api import Error

from builder.errors import InterruptedRunError, SmokeError
from builder.smoke.browser import frontends, view
from builder.smoke.browser import observer as observing
from builder.smoke.browser.chromium import ChromiumBrowser, open_browser
from builder.smoke.browser.observer import PageObserver
from builder.smoke.model import Deployment, Frontend, JupyterSite
from builder.smoke.probes import browser as probes
from builder.smoke.results.recorder import ProbeRecorder
from tests.support.browser import ORIGIN, Ours, visit_page
from tests.support.http_servers import running
from tests.support.needs import lacking
from tests.support.smoke_page import CANARY, COOKIE, INSTALLED, PATH, SECRET, TOKEN, Imitation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page


def test_a_browser_that_is_not_there_is_named(tmp_path: Path) -> None:
    """CHROMIUM that names no program, and one that is none, are told with what to do."""
    with pytest.raises(SmokeError, match="no program"), open_browser({"CHROMIUM": "/no/such"}, []):
        pass
    fake = tmp_path / "chromium"
    fake.write_text("#!/bin/sh\necho ERROR: no display >&2\nexit 1\n")
    fake.chmod(0o755)
    with pytest.raises(SmokeError) as failure, open_browser({"CHROMIUM": str(fake)}, []):
        pass
    if failure.value.message.startswith("Playwright does not start"):
        lacking(f"{failure.value.message}: is there a libatomic1?")
    assert "no display" in failure.value.message
    assert "--no-browser" in failure.value.hint


def test_a_playwright_that_does_not_start_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its node lacks a library; where there is no browser either, that comes first."""
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(broken))
    with pytest.raises(SmokeError, match="Playwright does not start") as failure:
        open_browser({"CHROMIUM": str(broken)}, []).__enter__()
    assert "libatomic1" in failure.value.hint
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(SmokeError, match="there is no browser"):
        open_browser({}, []).__enter__()


def test_any_jupyter_shows_its_application(chromium: ChromiumBrowser) -> None:
    """Before a deferred script reads the page's configuration, ours is in it; the rest stays."""
    page_of_lab = (
        '<script id="jupyter-config-data" type="application/json">{"baseUrl": "/"}</script>'
        '<script defer src="/lab.js"></script>'
    )
    reads = "seen = JSON.parse(document.getElementById('jupyter-config-data').textContent)"
    with chromium.open_context(ORIGIN) as context:
        page = context.new_page()
        page.route(f"{ORIGIN}/lab", lambda r: r.fulfill(body=page_of_lab, content_type="text/html"))
        page.route(f"{ORIGIN}/lab.js", lambda r: r.fulfill(body=f"window.{reads}"))
        observer = PageObserver(page, lambda: None)
        frontends.NotebookPage(page, Frontend.LAB, f"{ORIGIN}/", PATH, observer)
        page.goto(f"{ORIGIN}/lab")
        assert page.evaluate("seen") == {"baseUrl": "/", "exposeAppInBrowser": True}


class _Elsewhere(BaseHTTPRequestHandler):
    """Redirects `/away` to another port of its host, and keeps the requests."""

    asked: ClassVar[list[tuple[int, str]]] = []

    def do_GET(self) -> None:
        """Answer."""
        self.asked.append((self.connection.getsockname()[1], self.path))
        self.send_response(302 if self.path.startswith("/away?") else 200)
        self.send_header("Location", f"http://{self.path.partition('?')[2]}/reached")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_no_way_leads_to_another_port_of_the_host(chromium: ChromiumBrowser) -> None:
    """Neither a redirect nor a WebSocket, which the bar on requests lets through: the control."""

    def kept(one: str, other: str) -> None:
        with open_browser(os.environ, [one]) as browser:
            _wander(browser, one, other)

    _Elsewhere.asked.clear()
    one, other = (ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) for _ in range(2))
    with (
        running(one),
        running(other),
        ThreadPoolExecutor(1) as pool,  # Playwright has one browser in a thread
    ):
        here, there = (f"127.0.0.1:{server.server_port}" for server in (one, other))
        pool.submit(kept, here, there).result()
        asked = [f"{port}{path}" for port, path in _Elsewhere.asked]
        assert f"{one.server_port}/away?{there}" in asked
        assert not any(port == other.server_port for port, _ in _Elsewhere.asked)
        _wander(chromium, here, there)
    assert {path for port, path in _Elsewhere.asked if port == other.server_port} >= {
        "/socket",
        "/reached",
    }


def _wander(browser: ChromiumBrowser, here: str, there: str) -> None:
    """Try to leave an origin for another one, where nothing answers as a WebSocket does."""
    with browser.open_context(f"http://{here}") as context:
        page = context.new_page()
        page.goto(f"http://{here}/")
        page.evaluate(f"new Promise(r => {{ new WebSocket('ws://{there}/socket').onerror = r; }})")
        with suppress(Error):
            page.goto(f"http://{here}/away?{there}")


_WAITS: dict[str, Callable[[PageObserver, Page, ChromiumBrowser], object]] = {
    "kernel": lambda seen, page, _: frontends.NotebookPage(
        page, Frontend.CLASSIC, f"{ORIGIN}/", PATH, seen
    ).wait_until_idle(),
    "canary": lambda seen, page, _: view.wait_for_canary(seen, page.main_frame, CANARY),
    "chart": lambda seen, page, _: view.wait_for_chart(seen, page.main_frame),
    "curve": lambda seen, page, chromium: view.wait_for_curve(
        chromium, seen, page, page.locator("p")
    ),
    "frame": lambda seen, page, _: seen.watch_until(page, lambda: False, frontends.IDLE),
}


@pytest.mark.parametrize("what", _WAITS)
def test_an_interrupted_run_ends_what_is_waited_for(chromium: ChromiumBrowser, what: str) -> None:
    """Ctrl-C comes to another thread while a page is busy; no wait lasts until its own end then."""
    cancelled = threading.Event()

    def check() -> None:
        if cancelled.is_set():
            raise InterruptedRunError("interrupted", "")

    with chromium.open_context(ORIGIN) as context, pytest.MonkeyPatch.context() as patch:
        patch.setattr(observing, "_SLICE", 0.2)
        page = context.new_page()
        page.set_content("<p>busy</p><script>Jupyter = {notebook: {kernel_busy: true}}</script>")
        timer = threading.Timer(0.3, cancelled.set)
        timer.start()
        with pytest.raises(InterruptedRunError):
            _WAITS[what](PageObserver(page, check), page, chromium)
        assert cancelled.is_set()
        timer.join()


def test_an_interrupted_visit_leaves_nothing(chromium: ChromiumBrowser, tmp_path: Path) -> None:
    """Neither is what was waited for called failed, nor is time spent on pictures of it."""
    log_in = "browser-log-in"

    def check() -> None:
        if record.results and log_in in (r.name for r in record.results):
            raise InterruptedRunError("interrupted", "")

    record = ProbeRecorder(check_cancelled=check)
    with Imitation("busy kernel") as imitation:
        deployment = Deployment("x", Frontend.CLASSIC)
        site = JupyterSite(deployment, imitation.url, SECRET, INSTALLED, Ours())
        with pytest.raises(InterruptedRunError):
            probes.run_browser_probes(chromium, site, PATH, CANARY, record, tmp_path)
    assert [r.name for r in record.results] == [log_in]
    assert list(tmp_path.iterdir()) == []


def test_a_trace_holds_no_secret(chromium: ChromiumBrowser, tmp_path: Path) -> None:
    """A failed visit leaves a trace, in which page and headers are without token and cookie."""
    visit_page(probes.run_browser_probes, chromium, "no tag", tmp_path)
    trace = (tmp_path / "classic-trace.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(trace)) as archive:
        assert archive.testzip() is None
        members = [archive.read(name) for name in archive.namelist()]
    files = [p.read_bytes() for p in tmp_path.iterdir() if p.suffix != ".zip"]
    for secret in (TOKEN.encode(), COOKIE.encode()):
        assert not any(secret in content for content in (*members, *files))
    assert any(b"session=***" in member for member in members)
    assert any(b'data-token=\\"***' in m or b'data-token="***' in m for m in members)
