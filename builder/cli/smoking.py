"""What the smoke commands share: options, the walk, the run over releases, the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.cli.options import build_options
from builder.errors import BuilderError, SmokeError
from builder.releases.request import alive_today
from builder.smoke.model import Outcome
from builder.smoke.results.remains import advice, remains
from builder.smoke.results.result import failures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from builder.context import Workshop
    from builder.model import Release
    from builder.smoke.browser.chromium import Browser
    from builder.smoke.model import ProbeResult
    from builder.smoke.results.result import Result
    from builder.smoke.run import Walk
    from builder.smoke.suite import SmokeOptions
    from builder.system.console import Console

# How many of what failed is told at the end; the table and the reports have all of it.
_SHOWN = 3
_MARKS = {Outcome.PASSED: "ok", Outcome.FAILED: "FAILED", Outcome.SKIPPED: "skipped"}
REPORTS = click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Where results, pictures and logs go.",
)
NO_BROWSER = click.option("--no-browser", is_flag=True, help="Leave the browser's probes out.")
CONTROL = click.option("--control/--no-control", help="Also run it where it must fail.")


def options_of(suite: str, chosen: dict[str, Any], *, tensorflow: bool = False) -> SmokeOptions:
    """What the user chose, of the options that all suites with an engine have."""
    from builder.smoke.suite import SmokeOptions

    names = ("identity", "name", "local_label", "build_tag", "output")
    build = build_options(chosen["series"], **{name: chosen[name] for name in names})
    return SmokeOptions(suite, build, chosen["control"], tensorflow)


def walk_for(
    workshop: Workshop,
    engine: str,
    host: str,
    *,
    reports: Path,
    no_browser: bool,
) -> Walk:
    """What is the same for all deployments of a run.

    Args:
        workshop: of the command.
        engine: as reports name it.
        host: of all sites, with its port if they share one; the browser knows no other.
        reports: the directory of reports.
        no_browser: leave the browser's probes out.

    Raises:
        SmokeError: there is no browser, or it does not start.
    """
    from builder.smoke.run import Walk

    return Walk(
        engine=engine,
        browsing=None if no_browser else _browsing(workshop, host),
        reports=reports,
        report=_reporter(workshop.console),
        check_cancelled=workshop.check_cancelled,
        tell=workshop.console.note,
    )


def _browsing(workshop: Workshop, host: str) -> Callable[[], AbstractContextManager[Browser]]:
    """Opens a browser for which no other host exists; tried at once, before anything is started."""
    from builder.smoke.browser.chromium import browsing

    def opened() -> AbstractContextManager[Browser]:
        return browsing(workshop.environ, {host})

    with opened():
        return opened


def _reporter(console: Console) -> Callable[[str, ProbeResult], None]:
    """Says each result in a line of its own, as it comes."""

    def report(deployment: str, result: ProbeResult) -> None:
        console.say(
            f"{deployment:<15} {_MARKS[result.outcome]:<7} {result.seconds:6.2f} s  "
            f"{result.name:<24} {result.detail}".rstrip()
        )

    return report


def that_start(releases: Sequence[Release], workshop: Workshop) -> list[Release]:
    """Those that start in an image of today; which ones stay out is said.

    Raises:
        RequestError: none of them does.
    """
    hint = "`smoke_lab --era` runs them with their own Python and TensorFlow"
    able = alive_today(releases, hint)
    out = ", ".join(r.version for r in releases if r not in able)
    if out:
        workshop.console.note(f"{out}: left out, as they import the TensorFlow of 2019; {hint}")
    return able


def run_each(
    releases: Sequence[Release], workshop: Workshop, go: Callable[[Release], Iterable[Result]]
) -> tuple[list[Result], int]:
    """Run them one after the other; one that cannot be run does not stop the others.

    Returns:
        All results, and how many releases could not be run.

    Raises:
        BuilderError: the only one cannot be run, or the run was interrupted.
    """
    results: list[Result] = []
    broken = 0
    for release in releases:
        try:
            results += go(release)
        except BuilderError as error:
            if len(releases) == 1 or workshop.cancelled.is_set():
                raise
            workshop.console.error(f"{release.version}: {error.message}", error.hint)
            broken += 1
    return results, broken


def judge(results: Sequence[Result], reports: Path, console: Console, broken: int = 0) -> int:
    """Show the table of a run, what failed and what is left of it; the exit code.

    Raises:
        SmokeError: something failed.
    """
    _show_table(results, console)
    failed = [result for result in results if result.outcome is Outcome.FAILED]
    each = [failures([result]) for result in failed]
    # What failed first in each of them; the rest often follows from that.
    wrong = [line for lines in each for line in lines[:1]]
    wrong += [line for lines in each for line in lines[1:]]
    if broken:
        wrong.append(f"{broken} of the releases could not be run, as said above")
    if wrong:
        for result in failed[:_SHOWN]:
            for line in remains(result, reports):
                console.note(line)
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise SmokeError(
            "; ".join(wrong[:_SHOWN]) + more,
            advice(failed[0], reports) if failed else "what to do about each is said there",
        )
    console.say(f"results, pictures and logs are in {reports}/")
    return 0


def _show_table(results: Sequence[Result], console: Console) -> None:
    rows = []
    for result in results:
        count = {o: sum(p.outcome is o for p in result.probes) for o in Outcome}
        rows.append(
            (
                result.release,
                result.deployment,
                _MARKS[result.outcome],
                str(count[Outcome.PASSED]),
                str(count[Outcome.FAILED]),
                str(count[Outcome.SKIPPED]),
                f"{result.seconds:.1f}",
                ", ".join(result.pictures),
            )
        )
    columns = ("release", "deployment", "outcome", "passed", "failed", "skipped", "s", "pictures")
    console.table(columns, rows)
