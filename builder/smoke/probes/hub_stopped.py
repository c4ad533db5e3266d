"""The layer `stopped`: a server is stopped while TensorBoard runs, and started again."""

from __future__ import annotations

from contextlib import ExitStack, closing
from textwrap import dedent
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.smoke import visit as visits
from builder.smoke.board import STARTS, Board, Info, infos, launch, stop
from builder.smoke.frame import one_frame, texts
from builder.smoke.hub.member import Member
from builder.smoke.kernel import staying
from builder.smoke.model import ProbeFailure
from builder.smoke.notebook import LOGDIR, Run
from builder.smoke.probes.only import listeners
from builder.smoke.visit import Visit
from builder.smoke.web import entry
from builder.waiting import wait_for

if TYPE_CHECKING:
    from builder.smoke.hub.site import Hub
    from builder.smoke.model import Site
    from builder.smoke.recorder import Recorder
    from builder.smoke.web import Web

_NAME = "carol"
_SOCKETS = ("cat", "/proc/net/tcp")
_ENDS, _REMOVED = 20.0, 10.0  # seconds
_APART = dedent("""\
    import json, os, tempfile

    tempfile.tempdir = os.environ["TMPDIR"] = os.path.abspath("of-another")
    os.makedirs("of-another", exist_ok=True)
    print(json.dumps(os.path.abspath("of-another/.tensorboard-info")))""")
_BACK = 'tempfile.tempdir = os.environ["TMPDIR"] = os.path.abspath("tmp")'


def walk(hub: Hub, release: str, record: Recorder) -> None:
    """The layer `stopped`."""
    with record.layer("stopped"), ExitStack() as stack:
        with record.probe("stopped-tensorboard", vital=True) as told:
            carol = stack.enter_context(closing(Member.log_in(hub.root, _NAME)))
            carol.start()
            browser = stack.enter_context(closing(carol.session()))
            site, run = hub.site(carol, release), Run.fresh(release)
            before = _stop_while_shown(carol, site, run, browser)
            told(_after_stop(hub, site, before))
        with record.probe("respawned-tensorboard", vital=True) as told:
            carol.start()
            visit = stack.enter_context(visits.opened(hub.site(carol, release), run))
            told(_after_start(hub, visit, before))
        with record.probe("stale-cookie") as told:
            told(_with_old_cookies(browser, visit))
        with record.probe("info-of-another") as told:
            told(_info_of_another(visit))


def _stop_while_shown(carol: Member, site: Site, run: Run, browser: Web) -> Info:
    """Show TensorBoard in a notebook and stop the server, as its page lets a person do."""
    with closing(entry(site)) as web:
        visits.upload(web, run)
        with staying(web, run.notebook) as kernel:
            visit = Visit(site, run, web, kernel)
            visit.prepare()
            frame = one_frame(kernel.run(run.show, timeout=STARTS), visit.page)
            Board(web, frame.address).ask("/").expect(200)
            shown = infos(kernel)[0]
            browser.ask(site.proxied(shown.port)).expect(200)
            carol.stop()
    return shown


def _after_stop(hub: Hub, site: Site, before: Info) -> str:
    if hub.configuration.contained:

        def gone() -> bool | None:
            return not any(c.name.endswith(f"-{_NAME}") for c in hub.containers()) or None

        # The engine answers the Hub while it still removes.
        if wait_for(gone, _REMOVED) is None:
            raise ProbeFailure("the server is stopped, and its container still there")
        return "gone with its container"
    assert site.inside is not None  # noqa: S101 - ours has one
    _, table = site.inside.run(_SOCKETS)
    if before.port not in listeners(table):
        raise ProbeFailure(f"nothing listens on {before.port}: this spawner was known to leave it")
    return f"left behind on port {before.port}, pid {before.pid}: a process outlives this spawner's"


def _after_start(hub: Hub, visit: Visit, before: Info) -> str:
    """The same cell again: never a frame with a dead TensorBoard in it."""
    visit.prepare()
    done = visit.kernel.run(visit.run.show, timeout=STARTS)
    board = Board(visit.web, one_frame(done, visit.page).address)
    board.ask("/", web=visit.web).expect(200)
    now = infos(visit.kernel)[0]
    if hub.configuration.contained:
        if now.start_time <= before.start_time or any("Reusing" in text for text in texts(done)):
            raise ProbeFailure(f"it shows {now}, which ran before: {before}")
        return f"a new one, {now.start_time - before.start_time} s younger"
    if now.pid != before.pid:
        raise ProbeFailure(f"the one left behind, {before}, is not reused but {now}")
    _end(visit.site, now)
    again = visit.kernel.run(visit.run.show, timeout=STARTS)
    board.address = one_frame(again, visit.page).address
    board.ask("/").expect(200)
    new = infos(visit.kernel)[0]
    if new.pid == before.pid:
        raise ProbeFailure(f"the dead one, {before}, is reused")
    return "the one left behind is reused while it lives; ended, a new one starts"


def _end(site: Site, left: Info) -> None:
    """End one that no kernel is the parent of any more, as an admin does."""
    assert site.inside is not None  # noqa: S101 - ours has one
    inside = site.inside
    inside.run(["sh", "-c", f"kill -TERM {left.pid}"])

    def gone() -> bool | None:
        return left.port not in listeners(inside.run(_SOCKETS)[1]) or None

    if wait_for(gone, _ENDS) is None:
        raise ProbeFailure(f"{left} does not end on SIGTERM within {_ENDS:.0f} s")


def _with_old_cookies(browser: Web, visit: Visit) -> str:
    """Cookies of the stopped server: the Hub logs the browser in again without a word."""
    port = infos(visit.kernel)[0].port
    answer = browser.ask(visit.site.proxied(port), follow=True).expect(200)
    if b"<title>TensorBoard</title>" not in answer.body:
        raise ProbeFailure(f"{answer.url} is no TensorBoard: {answer.text[:200]}")
    return f"{urlsplit(answer.url).path} with cookies from before the restart: 200"


def _info_of_another(visit: Visit) -> str:
    """A `.tensorboard-info` of another user (tensorboard #2010): 0777, as it is made, and not."""
    inside = visit.site.inside
    assert inside is not None  # noqa: S101 - ours has one
    place = visit.kernel.value(_APART)
    try:
        inside.run(["mkdir", "--mode=0755", place], root=True)
        arguments = f"--logdir {LOGDIR} --window_title another"
        said = visit.kernel.run(f"%tensorboard {arguments}", timeout=STARTS)
        shown = " ".join(texts(said))
        if "Failed to launch TensorBoard" not in shown or "Permission denied" not in shown:
            raise ProbeFailure(f"with a directory that it may not write the cell says {shown!r}")
        inside.run(["chmod", "0777", place], root=True)
        done, info = launch(visit, arguments)
        try:
            Board(visit.web, one_frame(done, visit.page).address).ask("/").expect(200)
        finally:
            stop(visit, info)
        return "of another's with 0777 it works; with 0755 its error is shown"
    finally:
        visit.kernel.run(_BACK)
        inside.run(["rm", "-r", place], root=True)
