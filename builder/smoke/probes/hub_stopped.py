"""The layer `stopped`: a server is stopped while TensorBoard runs, and started again."""

from __future__ import annotations

from contextlib import ExitStack, closing
from textwrap import dedent
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.smoke.hub.member import Member
from builder.smoke.jupyter import visit as visits
from builder.smoke.jupyter.board import (
    STARTS,
    Board,
    Info,
    forget,
    infos,
    launch,
    reuses_running_only,
    stop,
)
from builder.smoke.jupyter.frame import one_frame, texts
from builder.smoke.jupyter.kernel import staying
from builder.smoke.jupyter.login import entry
from builder.smoke.jupyter.notebook import LOGDIR, Run
from builder.smoke.jupyter.visit import Visit
from builder.smoke.model import ProbeFailure
from builder.smoke.probes.only import listeners
from builder.system.waiting import wait_for

if TYPE_CHECKING:
    from builder.smoke.hub.site import Hub
    from builder.smoke.jupyter.messages import Execution
    from builder.smoke.jupyter.web import Web
    from builder.smoke.model import Site
    from builder.smoke.results.recorder import Recorder

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
    """The same cell again: a new one where the info file went with the container."""
    visit.prepare()
    if not hub.configuration.contained:
        return _reused(visit, before)
    if left := infos(visit.kernel):
        raise ProbeFailure(f"info files have outlived their container: {left}")
    done, now = _show(visit, 200)
    if now.start_time <= before.start_time or _says_reused(done):
        raise ProbeFailure(f"it shows {now}, which ran before: {before}")
    younger = now.start_time - before.start_time
    return f"a new one, {younger} s younger: the info file went with the container"


def _reused(visit: Visit, before: Info) -> str:
    """The one left behind is reused while it lives, and dead as upstream does (issue 2483)."""
    _, now = _show(visit, 200)
    if now.pid != before.pid:
        raise ProbeFailure(f"the one left behind, {before}, is not reused but {now}")
    _kill(visit.site, now)
    if reuses_running_only(visit.kernel):
        again, new = _show(visit, 200)
        if new.pid == before.pid or _says_reused(again):
            raise ProbeFailure(f"the killed one, {before}, is shown again")
        return "the one left behind is reused while it lives; killed, a new one starts"
    again, dead = _show(visit, 500)
    if dead.pid != before.pid or not _says_reused(again):
        raise ProbeFailure(f"the killed one, {before}, was known to be reused, but {dead} is shown")
    forget(visit.kernel, dead)
    _, new = _show(visit, 200)
    if new.pid == before.pid:
        raise ProbeFailure(f"without its info file the dead one, {before}, is shown")
    return (
        "the one left behind is reused while it lives; killed, it is reused too, and its frame is "
        "a 500; without its info file a new one starts"
    )


def _show(visit: Visit, status: int) -> tuple[Execution, Info]:
    """Run the cell, whose frame is to answer so; it, and what the newest info file says."""
    done = visit.kernel.run(visit.run.show, timeout=STARTS)
    visit.web.ask(one_frame(done, visit.page).address, follow=True).expect(status)
    return done, infos(visit.kernel)[0]


def _says_reused(done: Execution) -> bool:
    return any("Reusing" in text for text in texts(done))


def _kill(site: Site, left: Info) -> None:
    """As the kernel does that is out of memory: on SIGTERM it would take its info file along."""
    assert site.inside is not None  # noqa: S101 - ours has one
    inside = site.inside
    inside.run(["sh", "-c", f"kill -KILL {left.pid}"])

    def gone() -> bool | None:
        return left.port not in listeners(inside.run(_SOCKETS)[1]) or None

    if wait_for(gone, _ENDS) is None:
        raise ProbeFailure(f"{left} still listens {_ENDS:.0f} s after SIGKILL")


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
        if reuses_running_only(visit.kernel):
            _works(visit, arguments)
        else:
            said = visit.kernel.run(f"%tensorboard {arguments}", timeout=STARTS)
            shown = " ".join(texts(said))
            if "Failed to launch TensorBoard" not in shown or "Permission denied" not in shown:
                raise ProbeFailure(
                    f"with a directory that it may not write the cell says {shown!r}"
                )
        inside.run(["chmod", "0777", place], root=True)
        _works(visit, arguments)
        if reuses_running_only(visit.kernel):
            return "of another's with 0777 or 0755 it works"
        return "of another's with 0777 it works; with 0755 its error is shown"
    finally:
        visit.kernel.run(_BACK)
        inside.run(["rm", "-r", place], root=True)


def _works(visit: Visit, arguments: str) -> None:
    """Start one and end it; it is found and shown."""
    done, info = launch(visit, arguments)
    try:
        Board(visit.web, one_frame(done, visit.page).address).ask("/").expect(200)
    finally:
        stop(visit, info)
