"""One deployment from start to end: the site, its layers of probes, its report."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from builder.errors import BuilderError, InterruptedRunError, fault
from builder.smoke.jupyter import visit
from builder.smoke.jupyter.login import entry
from builder.smoke.jupyter.notebook import Run
from builder.smoke.model import NEEDS_LOGIN, Halt, Outcome
from builder.smoke.probes import browser, endpoints, failures, forms, kernel, only, ports
from builder.smoke.probes.table import TABLE
from builder.smoke.results.recorder import Recorder, foreseen
from builder.smoke.results.result import RESULT, Result, report_directory
from builder.smoke.schedule import alone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from builder.smoke.browser.chromium import Browser
    from builder.smoke.model import Deployment, ProbeResult, Site, Subject
    from builder.smoke.schedule import Member

_BROWSER = {"browser", "reopen", "browser-control"}
_KERNEL_LAYERS = (
    ("endpoints", endpoints),
    ("ports", ports),
    ("forms", forms),
    ("failures", failures),
)


# What Chromium says of a request that it dropped as a container came or went on its host, which is
# no business of the deployment's; then it looks again, so often at most.
_CHANGED = b"ERR_NETWORK_CHANGED"
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Walk:
    """What is the same for all deployments of a run.

    Attributes:
        engine: as reports name it.
        browsing: opens the browser, or None to leave it out.
        reports: the directory of reports.
        report: told of each result as it comes, with the deployment's name.
        check_cancelled: raises when the run was interrupted.
        tell: told of steps that take long.
        unseen: why the browser is left out, where it is.
    """

    engine: str
    browsing: Callable[[], AbstractContextManager[Browser]] | None
    reports: Path
    report: Callable[[str, ProbeResult], None]
    check_cancelled: Callable[[], None]
    tell: Callable[[str], None]
    unseen: str = "--no-browser"


def walk(
    how: Walk,
    deployment: Deployment,
    subject: Subject,
    start: Callable[[Deployment], AbstractContextManager[Site]],
    membership: AbstractContextManager[Member] | None = None,
) -> Result:
    """Start a deployment, ask everything, end it, and leave its report.

    Args:
        how: what is the same for all.
        deployment: what to start.
        subject: the wheel.
        start: starts it.
        membership: among those that start and end with it, or None if it is alone.

    Raises:
        InterruptedRunError: the run was interrupted.
        OutputError: the report cannot be written.
    """

    def work(record: Recorder, room: Path) -> None:
        with membership or alone() as member, start(deployment) as site, member.turn():
            try:
                layers(how, site, subject, record, room)
            finally:
                _keep_log(site, room)

    return reported(how, deployment.name, subject, work)


def reported(
    how: Walk, name: str, subject: Subject, work: Callable[[Recorder, Path], None]
) -> Result:
    """Do all that is asserted of one deployment, and leave its report.

    Args:
        how: what is the same for all.
        name: of the deployment.
        subject: the wheel.
        work: records the probes, and fills the directory of the report.

    Raises:
        InterruptedRunError: the run was interrupted.
        OutputError: the report cannot be written.
    """
    began, date = time.monotonic(), datetime.now(UTC).date().isoformat()
    recorder = Recorder(lambda result: how.report(name, result), how.check_cancelled)
    failure = ""
    unforeseen: Exception | None = None
    with report_directory(how.reports, subject.release, name) as room:
        try:
            work(recorder, room)
        except foreseen() as error:
            # What an interruption breaks is no failure of the deployment.
            how.check_cancelled()
            if isinstance(error, InterruptedRunError):
                raise
            failure = f"{error} ({error.hint})" if isinstance(error, BuilderError) else str(error)
        except Exception as error:
            how.check_cancelled()
            failure, unforeseen = f"{type(error).__name__}: {error}", error
        result = Result(
            release=subject.release,
            deployment=name,
            engine=how.engine,
            wheel=subject.wheel.name if subject.wheel else "",
            sha256=hashlib.sha256(subject.wheel.read_bytes()).hexdigest() if subject.wheel else "",
            seconds=time.monotonic() - began,
            probes=tuple(recorder.results),
            failure=recorder.scrub(failure),
            pictures=tuple(sorted(p.name for p in room.glob("*.png"))),
            date=date,
        )
        (room / RESULT).write_text(result.to_json(), encoding="utf-8")
    if unforeseen is not None:
        raise fault(unforeseen, recorder.scrub)
    return result


def layers(how: Walk, site: Site, subject: Subject, record: Recorder, room: Path) -> None:
    """Go through the layers of a running deployment; pictures go into that directory."""
    record.hide(site.token)
    wanted = site.deployment.layers
    if set(wanted) - _BROWSER:
        run = Run.fresh(subject.release, with_tensorflow=subject.tensorflow)
        with visit.opened(site, run) as opened:
            _kernel_layers(opened, wanted, record)
    if how.browsing is None or site.needs_login:
        reason = NEEDS_LOGIN if how.browsing else how.unseen
        for name in (n for n, row in TABLE.items() if row.layer in _BROWSER.intersection(wanted)):
            record.skip(name, reason)
    elif set(wanted) & _BROWSER:
        _browser_layers(how, site, subject, record, room)


def _kernel_layers(opened: visit.Visit, wanted: tuple[str, ...], record: Recorder) -> None:
    if "control" in wanted:
        kernel.control(opened, record)
        return
    port = kernel.walk(opened, record)
    if "only" in wanted:
        with record.layer("only"):
            if port is None:
                raise Halt("first-display")
            only.walk(opened.site, port, record)
    for name, module in _KERNEL_LAYERS:
        if name in wanted:
            module.walk(opened, record)


def _browser_layers(how: Walk, site: Site, subject: Subject, record: Recorder, room: Path) -> None:
    """Look with the browser; again, if somebody else's containers got into its way."""
    for left in reversed(range(_LOOKS)):
        before = len(record.results)
        _look(how, site, subject, record, room)
        if not left or not _disturbed(record.results[before:], room):
            return
        how.tell(f"{site.deployment.name}: the host's network changed meanwhile; it looks again")
        record.forget(before)


def _look(how: Walk, site: Site, subject: Subject, record: Recorder, room: Path) -> None:
    assert how.browsing is not None  # noqa: S101 - for the type checker
    run = Run.fresh(subject.release, with_tensorflow=subject.tensorflow)
    probe = browser.control if "browser-control" in site.deployment.layers else browser.walk
    web = entry(site)
    try:
        try:
            path = visit.upload(web, run)
            with how.browsing() as chromium:
                probe(chromium, site, path, run.shown_tag, record, room)
        finally:
            visit.clean_up(web, run)
    finally:
        web.close()


def _disturbed(results: Sequence[ProbeResult], room: Path) -> bool:
    """Whether something failed, and Chromium says that its host's addresses changed."""
    if all(result.outcome is not Outcome.FAILED for result in results):
        return False
    logs = [path.read_bytes() for path in room.glob("*-requests.txt")]
    told = [result.detail.encode() for result in results]
    return any(_CHANGED in text for text in (*logs, *told))


def _keep_log(site: Site, room: Path) -> None:
    if site.inside is not None:
        log = site.inside.log().replace(site.token, "…")
        (room / "jupyter.log").write_text(log, encoding="utf-8")
