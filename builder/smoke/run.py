"""Run one deployment: start its site, run its layers of probes, write its report."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from builder.errors import BuilderError, InterruptedRunError
from builder.smoke.jupyter import notebook_session
from builder.smoke.jupyter.login import open_client
from builder.smoke.jupyter.notebook import NotebookRun
from builder.smoke.model import LOGIN_NEEDED_REASON, LayerAbort, ProbeOutcome
from builder.smoke.probes import browser, endpoints, exposure, failures, forms, kernel, ports
from builder.smoke.probes.table import PROBE_TABLE
from builder.smoke.results.recorder import ProbeRecorder, list_expected_errors
from builder.smoke.results.result import DeploymentResult, open_report_directory, write_result
from builder.smoke.schedule import schedule_alone
from builder.system.machine_errors import explain_unexpected_error
from builder.system.redact import redact_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from builder.smoke.browser.chromium import ChromiumBrowser
    from builder.smoke.model import Deployment, JupyterSite, ProbeResult, WheelUnderTest
    from builder.smoke.schedule import ScheduleSlot

_BROWSER_LAYERS = {"browser", "reopen", "browser-control"}
_KERNEL_LAYERS = (
    ("endpoints", endpoints.run_endpoint_probes),
    ("ports", ports.run_port_probes),
    ("forms", forms.run_form_probes),
    ("failures", failures.run_failure_probes),
)

# Chromium's error for a request that it dropped because a container started or stopped on its host.
# That is not the deployment's failure, so the browser layers run again, so many times in all.
_NETWORK_CHANGED = b"ERR_NETWORK_CHANGED"
_MAX_BROWSER_RUNS = 3


class SmokeContext(msgspec.Struct, frozen=True):
    """What all deployments of a run share.

    Attributes:
        engine: name of the engine, for reports.
        open_browser: opens the browser, or None to skip its probes.
        reports: the directory of reports.
        report_probe: called with the deployment's name and each result, as it comes.
        check_cancelled: raises if the run was interrupted.
        report_step: called with each step that takes long.
        no_browser_reason: why the browser's probes are skipped, if they are.
    """

    engine: str
    open_browser: Callable[[], AbstractContextManager[ChromiumBrowser]] | None
    reports: Path
    report_probe: Callable[[str, ProbeResult], None]
    check_cancelled: Callable[[], None]
    report_step: Callable[[str], None]
    no_browser_reason: str = "--no-browser"


def run_deployment(
    smoke: SmokeContext,
    deployment: Deployment,
    wheel: WheelUnderTest,
    start: Callable[[Deployment], AbstractContextManager[JupyterSite]],
    slot: AbstractContextManager[ScheduleSlot] | None = None,
) -> DeploymentResult:
    """Start a deployment, run its probes, stop it, and write its report.

    Args:
        smoke: what all deployments of the run share.
        deployment: what to start.
        wheel: the wheel under test.
        start: starts the deployment, and stops it after the block.
        slot: its slot in the schedule, or None if it runs alone.

    Raises:
        InterruptedRunError: the run was interrupted.
        OutputError: the report cannot be written.
    """

    def run_probes(record: ProbeRecorder, workdir: Path) -> None:
        with (
            slot or schedule_alone() as own_slot,
            start(deployment) as site,
            own_slot.wait_for_turn(),
        ):
            try:
                run_layers(smoke, site, record, workdir)
            finally:
                _write_jupyter_log(site, workdir)

    return report_deployment(smoke, deployment.name, wheel, run_probes)


def report_deployment(
    smoke: SmokeContext,
    name: str,
    wheel: WheelUnderTest,
    run_probes: Callable[[ProbeRecorder, Path], None],
) -> DeploymentResult:
    """Record the probes of one deployment, and write its report.

    Args:
        smoke: what all deployments of the run share.
        name: the deployment's name.
        wheel: the wheel under test.
        run_probes: records the probes, and fills the directory of the report.

    Raises:
        InterruptedRunError: the run was interrupted.
        OutputError: the report cannot be written.
    """
    began, date = time.monotonic(), datetime.now(UTC).date().isoformat()
    recorder = ProbeRecorder(lambda result: smoke.report_probe(name, result), smoke.check_cancelled)
    failure = ""
    unforeseen: Exception | None = None
    with open_report_directory(smoke.reports, wheel.release, name) as workdir:
        try:
            run_probes(recorder, workdir)
        except list_expected_errors() as error:
            # An error that an interruption causes is not a failure of the deployment.
            smoke.check_cancelled()
            if isinstance(error, InterruptedRunError):
                raise
            failure = f"{error} ({error.hint})" if isinstance(error, BuilderError) else str(error)
        except Exception as error:
            smoke.check_cancelled()
            failure, unforeseen = f"{type(error).__name__}: {error}", error
        result = DeploymentResult(
            release=wheel.release,
            deployment=name,
            engine=smoke.engine,
            wheel=wheel.path.name if wheel.path else "",
            sha256=hashlib.sha256(wheel.path.read_bytes()).hexdigest() if wheel.path else "",
            seconds=time.monotonic() - began,
            probes=tuple(recorder.results),
            failure=recorder.redact_secrets(failure),
            pictures=tuple(sorted(p.name for p in workdir.glob("*.png"))),
            date=date,
        )
        write_result(result, workdir)
    if unforeseen is not None:
        raise explain_unexpected_error(unforeseen, recorder.redact_secrets)
    return result


def run_layers(
    smoke: SmokeContext,
    site: JupyterSite,
    record: ProbeRecorder,
    workdir: Path,
) -> None:
    """Run the layers of a running deployment; pictures are written to `workdir`."""
    record.hide_secret(site.token)
    wanted = site.deployment.layers
    if set(wanted) - _BROWSER_LAYERS:
        run = NotebookRun.with_new_canary(site.wheel)
        with notebook_session.open_notebook_session(site, run) as session:
            _run_kernel_layers(session, wanted, record)
    if smoke.open_browser is None or site.is_login_needed:
        reason = LOGIN_NEEDED_REASON if smoke.open_browser else smoke.no_browser_reason
        for name in (
            n for n, row in PROBE_TABLE.items() if row.layer in _BROWSER_LAYERS.intersection(wanted)
        ):
            record.skip_probe(name, reason)
    elif set(wanted) & _BROWSER_LAYERS:
        _run_browser_layers(smoke, site, record, workdir)


def _run_kernel_layers(
    session: notebook_session.NotebookSession, wanted: tuple[str, ...], record: ProbeRecorder
) -> None:
    if "control" in wanted:
        kernel.run_kernel_control(session, record)
        return
    port = kernel.run_kernel_probes(session, record)
    if "only" in wanted:
        with record.layer("only"):
            if port is None:
                raise LayerAbort("first-display")
            exposure.run_exposure_probes(session.site, port, record)
    for name, run_probes in _KERNEL_LAYERS:
        if name in wanted:
            run_probes(session, record)


def _run_browser_layers(
    smoke: SmokeContext,
    site: JupyterSite,
    record: ProbeRecorder,
    workdir: Path,
) -> None:
    """Run the browser layers; again if other containers changed the host's network meanwhile."""
    for left in reversed(range(_MAX_BROWSER_RUNS)):
        before = len(record.results)
        _run_browser_once(smoke, site, record, workdir)
        if not left or not _has_network_changed(record.results[before:], workdir):
            return
        smoke.report_step(
            f"{site.deployment.name}: the host's network changed meanwhile; it looks again"
        )
        record.drop_results(before)


def _run_browser_once(
    smoke: SmokeContext,
    site: JupyterSite,
    record: ProbeRecorder,
    workdir: Path,
) -> None:
    assert smoke.open_browser is not None  # noqa: S101 - for the type checker
    run = NotebookRun.with_new_canary(site.wheel)
    probe = (
        browser.run_browser_control
        if "browser-control" in site.deployment.layers
        else browser.run_browser_probes
    )
    client = open_client(site)
    try:
        try:
            path = notebook_session.upload_notebook(client, run)
            with smoke.open_browser() as chromium:
                probe(chromium, site, path, run.shown_tag, record, workdir)
        finally:
            notebook_session.clean_up_run(client, run)
    finally:
        client.close()


def _has_network_changed(results: Sequence[ProbeResult], workdir: Path) -> bool:
    """Whether a probe failed and Chromium reported that its host's addresses changed."""
    if all(result.outcome is not ProbeOutcome.FAILED for result in results):
        return False
    logs = [path.read_bytes() for path in workdir.glob("*-requests.txt")]
    details = [result.detail.encode() for result in results]
    return any(_NETWORK_CHANGED in text for text in (*logs, *details))


def _write_jupyter_log(site: JupyterSite, workdir: Path) -> None:
    if site.access is not None:
        log = redact_secrets(site.access.read_log(), site.token.list_spellings())
        (workdir / "jupyter.log").write_text(log, encoding="utf-8")
