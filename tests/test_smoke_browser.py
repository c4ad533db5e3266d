"""The browser's probes: what they tell apart, and that each defect fails the probe meant for it."""

from __future__ import annotations

import io
import os
import re
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from playwright.sync_api import Error

from builder.errors import InterruptedRunError, SmokeError
from builder.smoke.browser import browser_session, frontends, traffic, view
from builder.smoke.browser import observer as observing
from builder.smoke.browser.chromium import (
    ChromiumBrowser,
    build_barred_pattern,
    list_chromium_flags,
    open_browser,
)
from builder.smoke.browser.console_log import (
    KNOWN_CONSOLE_ISSUES,
    ConsoleEntry,
    find_console_errors,
)
from builder.smoke.browser.observer import PageObserver
from builder.smoke.browser.traffic import PageRequest, RequestOwner
from builder.smoke.jupyter.login import has_form
from builder.smoke.model import Deployment, Frontend, JupyterSite, ProbeOutcome
from builder.smoke.probes import browser as probes
from builder.smoke.probes.table import PROBE_TABLE
from builder.smoke.results.recorder import ProbeRecorder
from builder.system.redact import redact_bytes
from tests.support.http_servers import running
from tests.support.limits import scaled
from tests.support.needs import lacking
from tests.support.smoke_page import CANARY, COOKIE, INSTALLED, PATH, SECRET, TOKEN, Imitation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from playwright.sync_api import Page

ORIGIN = "http://hub.example:8888"
PREFIX = f"{ORIGIN}/user/ada/proxy/6006/"


def _exchange(
    url: str, *, method: str = "GET", framed: bool = True, status: int = 200
) -> PageRequest:
    return PageRequest(method, url, "fetch", framed=framed, status=status, done=True)


class Ours:
    """The way behind the port that a site of ours has; nothing of it is used here."""

    def run_command(
        self, words: Sequence[str], *, root: bool = False, timeout: float = 30.0
    ) -> tuple[int, str]:
        """Not used."""
        raise NotImplementedError

    def read_log(self) -> str:
        """Not used."""
        raise NotImplementedError

    def published_ports(self) -> Mapping[int, int] | None:
        """Not used."""
        raise NotImplementedError

    def check_reachable(self, port: int) -> dict[str, bool]:
        """Not used."""
        raise NotImplementedError


@pytest.mark.parametrize(
    ("url", "framed", "kind"),
    [
        (f"{PREFIX}index.js", True, RequestOwner.TENSORBOARD),
        (f"{PREFIX}data/plugins_listing", False, RequestOwner.TENSORBOARD),
        (f"{ORIGIN}/data/plugins_listing", True, RequestOwner.STRAY),
        (f"{ORIGIN}/user/ada/proxy/6007/", True, RequestOwner.STRAY),
        (f"{ORIGIN}/static/lab.js", False, RequestOwner.JUPYTER),
        ("http://hub.example:6006/", True, RequestOwner.FOREIGN),
        ("http://hub.example:88889/", False, RequestOwner.FOREIGN),
        ("http://hub.example:8888@evil.example/", False, RequestOwner.FOREIGN),
        ("https://hub.example:8888/", False, RequestOwner.FOREIGN),
        ("data:image/png;base64,AA", True, RequestOwner.INLINE),
        (f"blob:{ORIGIN}/0b6c", True, RequestOwner.INLINE),
    ],
)
def test_requests_are_told_apart(url: str, framed: bool, kind: RequestOwner) -> None:
    """Each request has one owner, whatever its address resembles."""
    assert traffic.classify_request(_exchange(url, framed=framed), ORIGIN, PREFIX) is kind


def test_a_socket_is_judged_by_its_host() -> None:
    """A WebSocket to Jupyter is Jupyter's; the same to another port is not."""
    own = _exchange("ws://hub.example:8888/api/kernels/1/channels", method="WS", framed=False)
    other = _exchange("ws://hub.example:6006/", method="WS", framed=False)
    assert traffic.classify_request(own, ORIGIN, PREFIX) is RequestOwner.JUPYTER
    assert list(traffic.find_foreign_requests([own, other], ORIGIN, PREFIX)) == [str(other)]


@given(
    st.sampled_from(["http", "https", "ws"]),
    st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True),
    st.integers(1, 65535),
    st.text(max_size=20),
)
def test_the_bar_and_the_log_agree(scheme: str, host: str, port: int, rest: str) -> None:
    """An address is barred exactly if it would be called foreign."""
    url = f"{scheme}://{host}:{port}/{rest}"
    bar = build_barred_pattern(ORIGIN).match(url) is not None
    assert bar is (not url.startswith(f"{ORIGIN}/"))
    assert build_barred_pattern(ORIGIN).match(f"{ORIGIN}/{rest}") is None


def test_a_font_is_excused_and_nothing_like_it() -> None:
    """The known font may stray and fail; another file, or a POST to it, may not."""
    font = _exchange(f"{ORIGIN}/font-roboto/RxZJdnzeo3R5zSexge8UUZBw1xU1rKptJj_0.woff2", status=404)
    near = [
        _exchange(f"{ORIGIN}/font-roboto/roboto.css", status=404),
        _exchange(f"{ORIGIN}/font-other/a.woff2", status=404),
        _exchange(f"{ORIGIN}/font-roboto/a.woff2", method="POST", status=404),
    ]
    assert list(traffic.find_stray_requests([font, *near], ORIGIN, PREFIX)) == [
        str(n) for n in near
    ]
    assert list(traffic.find_failed_requests([font, *near], ORIGIN, PREFIX)) == [
        str(n) for n in near
    ]


def test_what_failed_is_told() -> None:
    """Errors, lost connections and missing answers fail; Jupyter's own only where it is ours."""
    bad = _exchange(f"{PREFIX}chart_worker.js", status=404)
    lost = PageRequest(
        "GET", f"{PREFIX}data/runs", "xhr", True, None, "net::ERR_EMPTY_RESPONSE", True
    )
    slow = PageRequest("GET", f"{PREFIX}data/tags", "xhr", framed=True)
    jupyter = _exchange(f"{ORIGIN}/lab/extensions/x.js", framed=False, status=404)
    seen = [bad, lost, slow, jupyter, _exchange(f"{PREFIX}index.js")]
    assert list(traffic.find_failed_requests(seen, ORIGIN, PREFIX)) == [str(e) for e in seen[:4]]
    assert list(traffic.find_failed_requests(seen, ORIGIN, PREFIX, jupyter=False)) == [
        str(e) for e in seen[:3]
    ]


def test_a_question_taken_back_has_not_failed_if_it_was_asked_again() -> None:
    """TensorBoard aborts a request and repeats it; alone, the abortion is a failure."""
    url = f"{PREFIX}data/plugin/timeseries/tags"
    aborted = PageRequest("GET", url, "xhr", True, None, "net::ERR_ABORTED", True)
    assert list(traffic.find_failed_requests([aborted, _exchange(url)], ORIGIN, PREFIX)) == []
    again = _exchange(url, status=500)
    assert list(traffic.find_failed_requests([aborted, again], ORIGIN, PREFIX)) == [
        str(aborted),
        str(again),
    ]


@pytest.mark.parametrize(
    ("release", "asks"),
    [
        ("2.0.2", ["", "data/plugins_listing", "data/plugin/scalars/scalars"]),
        ("2.3.0", ["", "data/plugins_listing", "index.js", "data/plugin/scalars/scalars"]),
        ("2.9.1", ["", "data/plugins_listing", "index.js", "data/plugin/scalars/scalars_multirun"]),
        (
            "2.21.0",
            [
                *("", "data/plugins_listing", "index.js?_file_hash=1", "chart_worker.js?h=2"),
                "experiment/defaultExperimentId/data/plugin/timeseries/timeSeries",
            ],
        ),
    ],
)
def test_each_release_asks_for_its_own(release: str, asks: list[str]) -> None:
    """With its requests nothing is missing; without any one of them, that one is."""
    posts = ("scalars_multirun", "timeSeries")
    seen = [
        _exchange(PREFIX + ask, method="POST" if ask.endswith(posts) else "GET") for ask in asks
    ]
    assert list(traffic.find_missing_requests(seen, PREFIX, release)) == []
    for gone in range(len(seen)):
        assert (
            len(
                list(traffic.find_missing_requests(seen[:gone] + seen[gone + 1 :], PREFIX, release))
            )
            == 1
        )
        unwell = [*seen[:gone], _exchange(seen[gone].url, status=500), *seen[gone + 1 :]]
        assert len(list(traffic.find_missing_requests(unwell, PREFIX, release))) == 1


def test_every_excuse_has_a_reason_and_covers_only_its_own_script() -> None:
    """What is excused in Jupyter's script is an error in TensorBoard's."""
    said = "Error: Command 'filebrowser:open-path' not registered.\n    at c.execute"
    theirs = ConsoleEntry("uncaught", said, f"{ORIGIN}/static/notebook/notebook_core.c9a6.js?v=c9")
    ours = ConsoleEntry("uncaught", said, f"{PREFIX}index.js")
    assert list(find_console_errors([theirs, ours], PREFIX, "2.2.1")) == [str(ours)]
    assert all(issue.reason and issue.text for issue in (*KNOWN_CONSOLE_ISSUES,))
    for issue in KNOWN_CONSOLE_ISSUES:
        assert issue.text is not None
        assert issue.text.startswith("^")


def test_an_excuse_ends_with_its_releases() -> None:
    """What 2.1's page does to its own policy would be new in any other."""
    said = "Executing inline event handler violates the following Content Security Policy directive"
    word = ConsoleEntry("error", said, PREFIX)
    assert list(find_console_errors([word], PREFIX, "2.1.1")) == []
    for other in ("2.0.2", "2.2.0", "2.21.0"):
        assert list(find_console_errors([word], PREFIX, other)) == [str(word)]


def test_of_a_failed_load_only_the_known_ones_are_excused() -> None:
    """Chromium's own line about a font is no news; about a script it is."""
    text = "Failed to load resource: the server responded with a status of 404 (Not Found)"
    font = ConsoleEntry("error", text, f"{ORIGIN}/font-roboto/a.woff2")
    script = ConsoleEntry("error", text, f"{PREFIX}index.js")
    page = f"{ORIGIN}/nbclassic/notebooks/x.ipynb"
    refused = "Refused to execute script from '{}' because its MIME type is not executable"
    widgets = ConsoleEntry(
        "error", refused.format(f"{ORIGIN}/nbextensions/widgets/notebook/js/extension.js"), page
    )
    other = ConsoleEntry("error", refused.format(f"{ORIGIN}/nbextensions/other.js"), page)
    assert list(find_console_errors([font, script, widgets, other], PREFIX, "2.2.1")) == [
        str(script),
        str(other),
    ]
    assert list(find_console_errors([script, other], PREFIX, "2.2.1", jupyter=False)) == [
        str(script)
    ]


def test_chromium_is_kept_from_the_world() -> None:
    """Only the named hosts exist for it; the sandbox is given up for root alone."""
    words = list(list_chromium_flags(["h:443", "127.0.0.1"], root=False))
    rules = "MAP 127.0.0.1 127.0.0.1, MAP h:443 h:443, MAP * ~NOTFOUND"
    assert f"--host-resolver-rules={rules}" in words
    assert "--no-sandbox" not in words
    assert "--no-sandbox" in list(list_chromium_flags([], root=True))


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


@given(st.lists(st.text(min_size=1), max_size=3), st.text())
def test_no_secret_survives(hidden: list[str], around: str) -> None:
    """Scrubbing leaves nothing of a secret unless the marker itself spells it."""
    left = redact_bytes((around + "".join(hidden) + around).encode(), hidden).decode()
    for secret in hidden:
        if "*" not in secret:
            assert secret not in left


@pytest.fixture(scope="module")
def chromium() -> Iterator[ChromiumBrowser]:
    """One Chromium for the whole module; without one these tests are left out."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OPEN", "IDLE", "RUN", "SAVE"):
            patch.setattr(frontends, name, 8.0)
        for name in ("CANARY", "CHART"):
            patch.setattr(view, name, 4.0)
        for name, seconds in (("_FRAME", 4.0), ("_NEVER", 0.6)):
            patch.setattr(probes, name, seconds)
        with ExitStack() as stack:
            try:
                browser = stack.enter_context(open_browser(os.environ, ["127.0.0.1"]))
            except SmokeError as error:
                lacking(f"{error.message}; {error.hint}")
            yield browser


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


def _visit(
    go: Callable[[ChromiumBrowser, JupyterSite, str, str, ProbeRecorder, Path], None],
    chromium: ChromiumBrowser,
    defect: str,
    directory: Path,
) -> dict[str, str]:
    """Probe → why it failed, for those that failed themselves."""
    record = ProbeRecorder()
    with Imitation(defect) as imitation:
        layers = ("browser", "reopen") if go is probes.run_browser_probes else ("browser-control",)
        deployment = Deployment("classic", Frontend.CLASSIC, layers=layers)
        site = JupyterSite(deployment, imitation.url, SECRET, INSTALLED, Ours())
        go(chromium, site, PATH, CANARY, record, directory)
    assert {r.name for r in record.results} == {
        n for n, row in PROBE_TABLE.items() if row.layer in layers
    }
    failed = {r.name: r.detail for r in record.results if r.outcome is ProbeOutcome.FAILED}
    return {name: why for name, why in failed.items() if not why.startswith("not reached")}


def test_a_good_page_passes(chromium: ChromiumBrowser, tmp_path: Path) -> None:
    """Nothing fails, and a picture and two logs stay, without a trace."""
    assert _visit(probes.run_browser_probes, chromium, "", tmp_path) == {}
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "classic-console.txt",
        "classic-requests.txt",
        "classic.png",
    ]
    log = (tmp_path / "classic-requests.txt").read_text()
    assert re.search(r"tensorboard GET +200 script http://127.0.0.1:\d+/proxy/6006/index.js", log)


def _theirs(imitation: Imitation, frontend: Frontend = Frontend.CLASSIC) -> JupyterSite:
    """The same as a Jupyter that is not ours."""
    deployment = Deployment("theirs", frontend, layers=("browser", "reopen"))
    site = JupyterSite(deployment, imitation.url, SECRET, INSTALLED)
    return replace(site, has_form=has_form(site))


def test_without_a_form_the_token_is_in_a_header(chromium: ChromiumBrowser, tmp_path: Path) -> None:
    """A Hub's server has none: all is asked for with the token, which is in no file and address."""
    record = ProbeRecorder()
    with Imitation("error", form=False) as imitation:
        site = _theirs(imitation)
        probes.run_browser_probes(chromium, site, PATH, CANARY, record, tmp_path)
        asked = imitation.asked
    failed = [r.name for r in record.results if r.outcome is ProbeOutcome.FAILED]
    assert failed == ["browser-console-clean"]
    framed = [who for method, path, who in asked if path.startswith("/proxy/6006/")]
    assert framed
    assert set(framed) == {f"token {TOKEN}"}
    with zipfile.ZipFile(tmp_path / "classic-trace.zip") as archive:
        members = [archive.read(name) for name in archive.namelist()]
    files = [p.read_bytes() for p in tmp_path.iterdir() if p.suffix != ".zip"]
    assert not any(TOKEN.encode() in content for content in (*members, *files))
    assert any(b"token ***" in member for member in members)


def test_a_form_that_is_missing_in_ours_is_a_failure(
    chromium: ChromiumBrowser, tmp_path: Path
) -> None:
    """The token is no way round the form where there must be one."""
    record = ProbeRecorder()
    with pytest.MonkeyPatch.context() as patch, Imitation("", form=False) as imitation:
        patch.setattr(browser_session, "LOGIN_TIMEOUT", 1.0)
        site = replace(_theirs(imitation), access=Ours(), has_form=True)
        probes.run_browser_probes(chromium, site, PATH, CANARY, record, tmp_path)
    assert record.results[0].name == "browser-log-in"
    assert record.results[0].outcome is ProbeOutcome.FAILED


def test_what_the_front_end_keeps_goes_again_after_a_failure(
    chromium: ChromiumBrowser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JupyterLab's workspace of a visit that failed is deleted, by the site's own way."""
    monkeypatch.setattr(frontends, "OPEN", 0.5)
    record = ProbeRecorder()
    with Imitation("") as imitation:
        site = _theirs(imitation, Frontend.LAB)
        probes.run_browser_probes(chromium, site, PATH, CANARY, record, tmp_path)
        kept = f"/lab/api/workspaces/{re.sub('[^a-z]', '-', PATH)}"
        assert imitation.asked[-1] == ("DELETE", kept, f"token {TOKEN}")
    assert record.results[1].name == "browser-kernel-idle"
    assert record.results[1].outcome is ProbeOutcome.FAILED


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


def test_a_question_under_way_is_waited_for(chromium: ChromiumBrowser, tmp_path: Path) -> None:
    """What Jupyter takes two seconds to answer, while the page is judged, has not failed."""
    assert _visit(probes.run_browser_probes, chromium, "slow answer", tmp_path) == {}


@pytest.mark.parametrize(
    ("defect", "fails"),
    [
        ("no entry", {"log-in"}),
        ("busy kernel", {"kernel-idle"}),
        ("cell error", {"cells-run"}),
        ("two frames", {"one-frame"}),
        ("notice", {"one-frame"}),
        ("direct", {"frame-prefix"}),
        ("no tag", {"canary-visible"}),
        ("hidden chart", {"chart-drawn"}),
        ("no curve", {"chart-drawn"}),
        ("foreign", {"nothing-foreign", "console-clean"}),
        ("stray", {"nothing-stray"}),
        ("other font", {"nothing-stray", "nothing-failed", "console-clean"}),
        ("no worker", {"nothing-failed"}),
        ("no listing", {"nothing-failed", "assets-by-name", "console-clean"}),
        ("listing not asked for", {"assets-by-name"}),
        ("error", {"console-clean"}),
        ("uncaught", {"console-clean"}),
        ("output lost", {"reopened-trusted"}),
        ("untrusted shown", {"reopened-untrusted"}),
    ],
)
def test_each_defect_fails_its_probe(
    chromium: ChromiumBrowser, tmp_path: Path, defect: str, fails: set[str]
) -> None:
    """A page with one defect fails the probes meant for it and no other."""
    failed = _visit(probes.run_browser_probes, chromium, defect, tmp_path)
    assert set(failed) == {f"browser-{name}" for name in fails}, failed
    assert (tmp_path / "classic.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.alone  # the page draws it after a moment, and the probe looks for two seconds
def test_a_frame_that_comes_late_is_seen(
    chromium: ChromiumBrowser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An untrusted notebook that shows it a moment after its output has not got away with it."""
    monkeypatch.setattr(probes, "_NEVER", scaled(2.0))
    failed = _visit(probes.run_browser_probes, chromium, "untrusted shown late", tmp_path)
    assert set(failed) == {"browser-reopened-untrusted"}, failed


def test_the_control_wants_a_dead_frame(chromium: ChromiumBrowser, tmp_path: Path) -> None:
    """It passes where the frame points past Jupyter, and fails where TensorBoard is seen."""
    assert _visit(probes.run_browser_control, chromium, "direct", tmp_path) == {}
    assert set(_visit(probes.run_browser_control, chromium, "", tmp_path)) == {
        "browser-control-direct"
    }


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
    _visit(probes.run_browser_probes, chromium, "no tag", tmp_path)
    trace = (tmp_path / "classic-trace.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(trace)) as archive:
        assert archive.testzip() is None
        members = [archive.read(name) for name in archive.namelist()]
    files = [p.read_bytes() for p in tmp_path.iterdir() if p.suffix != ".zip"]
    for secret in (TOKEN.encode(), COOKIE.encode()):
        assert not any(secret in content for content in (*members, *files))
    assert any(b"session=***" in member for member in members)
    assert any(b'data-token=\\"***' in m or b'data-token="***' in m for m in members)
