"""What the smoke verbs share: options, the run over releases, the report at its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from builder.cli.options import group_options
from builder.errors import BuilderError, SmokeError
from builder.releases.request import select_runnable_releases
from builder.smoke.model import ProbeOutcome
from builder.smoke.results.failure_report import describe_failure, suggest_fix
from builder.smoke.results.result import list_failures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from builder.context import RunContext
    from builder.model import Release
    from builder.smoke.browser.chromium import ChromiumBrowser
    from builder.smoke.model import ProbeResult
    from builder.smoke.results.result import DeploymentResult
    from builder.smoke.run import SmokeContext
    from builder.system.console import Console

# How many failures are printed at the end; the table and the reports have all of them.
_SHOWN = 3
_MARKS = {ProbeOutcome.PASSED: "ok", ProbeOutcome.FAILED: "FAILED", ProbeOutcome.SKIPPED: "skipped"}


class ReportOptions(msgspec.Struct, frozen=True):
    """The options for where reports go and whether there is a browser."""

    directory: Path
    no_browser: bool


report_options = group_options(
    "report_options",
    ReportOptions,
    click.option("--no-browser", is_flag=True, help="Leave the browser's probes out."),
    click.option(
        "--reports",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("reports"),
        show_default=True,
        help="Where results, pictures and logs go.",
    ),
)
control_option = click.option("--control/--no-control", help="Also run it where it must fail.")


def make_smoke_context(
    context: RunContext, engine: str, host: str, options: ReportOptions
) -> SmokeContext:
    """Make the context that all deployments of a run share.

    Args:
        context: the context of the run.
        engine: its name in reports.
        host: of all sites, with its port if they share one; the browser can reach no other.
        options: where reports go, and whether there is a browser.

    Raises:
        SmokeError: there is no browser, or it does not start.
    """
    from builder.smoke.run import SmokeContext

    return SmokeContext(
        engine=engine,
        open_browser=None if options.no_browser else _make_browser_opener(context, host),
        reports=options.directory,
        report_probe=_make_probe_reporter(context.console),
        check_cancelled=context.check_cancelled,
        report_step=context.console.print_note,
    )


def _make_browser_opener(
    context: RunContext, host: str
) -> Callable[[], AbstractContextManager[ChromiumBrowser]]:
    """Make a function that opens a browser which can reach that host only.

    One is opened right away, so that a missing browser is noticed before anything is started.
    """
    from builder.smoke.browser.chromium import open_browser

    def open_for_host() -> AbstractContextManager[ChromiumBrowser]:
        return open_browser(context.env, {host})

    with open_for_host():
        return open_for_host


def _make_probe_reporter(console: Console) -> Callable[[str, ProbeResult], None]:
    """Make a function that prints each result on its own line, as it comes."""

    def report(deployment: str, result: ProbeResult) -> None:
        console.print_result(
            f"{deployment:<15} {_MARKS[result.outcome]:<7} {result.seconds:6.2f} s  "
            f"{result.name:<24} {result.detail}".rstrip()
        )

    return report


def select_smoke_releases(releases: Sequence[Release], console: Console) -> list[Release]:
    """Select the releases that start in an image of today; print which are left out.

    Raises:
        RequestError: none of them does.
    """
    hint = "`smoke_lab --era` runs them with their own Python and TensorFlow"
    runnable = select_runnable_releases(releases, hint)
    left_out = ", ".join(r.version for r in releases if r not in runnable)
    if left_out:
        console.print_note(f"{left_out}: left out, as they import the TensorFlow of 2019; {hint}")
    return runnable


def run_each_release(
    releases: Sequence[Release],
    context: RunContext,
    run_release: Callable[[Release], Iterable[DeploymentResult]],
) -> tuple[list[DeploymentResult], int]:
    """Run them one after the other; one that cannot be run does not stop the others.

    Returns:
        All results, and how many releases could not be run.

    Raises:
        BuilderError: the only one cannot be run, or the run was interrupted.
    """
    results: list[DeploymentResult] = []
    broken = 0
    for release in releases:
        try:
            results += run_release(release)
        except BuilderError as error:
            if len(releases) == 1 or context.cancelled.is_set():
                raise
            context.console.print_error(f"{release.version}: {error.message}", error.hint)
            broken += 1
    return results, broken


def report_smoke_results(
    results: Sequence[DeploymentResult], reports: Path, console: Console, broken: int = 0
) -> int:
    """Print the table of a run, what failed, and where the reports are.

    Returns:
        The exit code, 0.

    Raises:
        SmokeError: something failed.
    """
    _show_table(results, console)
    failed = [result for result in results if result.outcome is ProbeOutcome.FAILED]
    each = [list_failures([result]) for result in failed]
    # The first failure of each deployment comes first; the others often follow from it.
    wrong = [line for lines in each for line in lines[:1]]
    wrong += [line for lines in each for line in lines[1:]]
    if broken:
        wrong.append(f"{broken} of the releases could not be run, as said above")
    if wrong:
        for result in failed[:_SHOWN]:
            for line in describe_failure(result, reports):
                console.print_note(*line.split("\n"))
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise SmokeError(
            "; ".join(wrong[:_SHOWN]) + more,
            suggest_fix(failed[0], reports) if failed else "what to do about each is said there",
        )
    console.print_result(f"results, pictures and logs are in {reports}/")
    return 0


def _show_table(results: Sequence[DeploymentResult], console: Console) -> None:
    rows = []
    for result in results:
        count = {o: sum(p.outcome is o for p in result.probes) for o in ProbeOutcome}
        rows.append(
            (
                result.release,
                result.deployment,
                _MARKS[result.outcome],
                str(count[ProbeOutcome.PASSED]),
                str(count[ProbeOutcome.FAILED]),
                str(count[ProbeOutcome.SKIPPED]),
                f"{result.seconds:.1f}",
                ", ".join(result.pictures),
            )
        )
    columns = ("release", "deployment", "outcome", "passed", "failed", "skipped", "s", "pictures")
    console.print_table(columns, rows)
