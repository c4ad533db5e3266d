"""The verbs `today`, the grid of today's Pythons, and `record`, its era references."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from packaging.version import Version

from builder.build.release import FailedRelease, build_releases
from builder.cli.contexts import make_build_options, make_context, make_releases, make_sources
from builder.cli.options import (
    ROOT,
    CatalogOptions,
    CommonOptions,
    IdentityOptions,
    catalog_options,
    common_options,
    group_options,
    python_path_option,
    series_option,
)
from builder.errors import RequestError, TodayError
from builder.releases.request import select_runnable_releases
from builder.reports import today_page
from builder.system.files import make_temporary_directory, write_output_file
from builder.system.machine import count_cores
from builder.today import cell as cells
from builder.today.cell import PYTHONS
from builder.today.grid import GridOptions, make_pairs, make_trial, run_grid, split_by_python
from builder.today.record import record_reference
from builder.today.reference import save_reference
from builder.wheel.names import parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.context import RunContext
    from builder.model import Release
    from builder.releases.releases import Releases
    from builder.system.console import Console
    from builder.today.cell import GridCell
    from builder.today.grid import GridPair
    from builder.today.trial import Trial
    from builder.verify.sources import WheelSources

DEFAULT_REFERENCES = ROOT / "tests" / "eras"
_DIRECTORY = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


class _TrialOptions(msgspec.Struct, frozen=True):
    """The options that say which wheels are tried."""

    stock: bool
    wheels: tuple[Path, ...]
    series: tuple[str, ...]


_trial_options = group_options(
    "trials",
    _TrialOptions,
    click.option("--stock", is_flag=True, help="Try the published wheels: the picture before."),
    click.option("--wheel", "wheels", multiple=True, type=_FILE, help="Try these files instead."),
    series_option,
)
_references_option = click.option(
    "--references",
    type=_DIRECTORY,
    default=DEFAULT_REFERENCES,
    help="The directory of the era references; default: tests/eras.",
    show_default=False,
)


@click.command()
@click.argument("releases", nargs=-1, metavar="RELEASE...|table")
@click.option(
    "--python",
    "pythons",
    multiple=True,
    type=click.Choice(PYTHONS),
    help="Only these, which must be there.",
)
@python_path_option
@_trial_options
@click.option("--jobs", type=click.IntRange(min=1), help="How many at a time. Default: all cores.")
@click.option("--fresh", is_flag=True, help="Do again what is done.")
@click.option("--reports", type=_DIRECTORY, default=Path("reports/today"), show_default=True)
@click.option("--page", type=click.Path(path_type=Path), default=Path("docs/today.md"))
@_references_option
@common_options
def today(
    releases: tuple[str, ...],
    pythons: tuple[str, ...],
    page: Path,
    references: Path,
    reports: Path,
    jobs: int | None,
    fresh: bool,
    trials: _TrialOptions,
    common: CommonOptions,
    python_paths: tuple[Path, ...],
) -> int:
    """Try wheels on today's Pythons: 2.2.1, all, …; `today table` writes docs/today.md.

    Without --python, those that are not on this machine are left out, and named.
    """
    context = make_context(offline=common.offline, python_paths=python_paths)
    sources = make_sources(common, context)
    if releases == ("table",):
        return _write_page(sources.releases, context.console, reports, page)
    for python in pythons:
        context.pythons.find_python(python)
    grid = GridOptions(
        context=context,
        references=references,
        reports=reports,
        jobs=jobs or count_cores(),
        fresh=fresh,
    )
    with make_temporary_directory("tensorboard-wheels-today-wheels-") as name:
        made = _make_trials(releases, trials, sources, context, Path(name))
        able, refused = make_pairs(made, pythons or PYTHONS)
        return _run_pairs(able, refused, grid, context)


def _run_pairs(
    pairs: Sequence[GridPair], refused: Sequence[GridPair], grid: GridOptions, context: RunContext
) -> int:
    """Try the pairs whose Python is on this machine; print what is left out.

    Raises:
        PythonNotFoundError: no pair's Python is there.
        TodayError: some cells are not as in their era.
    """
    able, missing = split_by_python(pairs, context.pythons)
    if missing and not able:
        raise next(iter(missing.values()))
    console = context.console
    count = 0
    began = time.monotonic()

    def report(cell: GridCell, before: bool) -> None:
        nonlocal count
        count += 1
        seconds = "done before" if before else f"{sum(cell.seconds.values()):.0f} s"
        console.print_result(f"[{count:3}/{len(able)}] {_format_cell_line(cell)} ({seconds})")

    tried = run_grid(able, grid, report)
    failed = [c for c in tried if c.failed_stage is not None]
    if refused:
        names = ", ".join(f"{p.trial.release} on {p.python}" for p in refused)
        console.print_note(f"Requires-Python excludes {len(refused)} pairs: {names}")
    if missing:
        why = next(iter(missing.values()))
        names = ", ".join(missing)
        console.print_note(f"left out: Python {names}; for one, {why.message}; {why.hint}")
    console.print_table(("release", *PYTHONS), _format_grid_rows(tried, refused))
    console.print_result(
        f"{len(tried) - len(failed)} of {len(tried)} cells ok, {time.monotonic() - began:.0f} s"
    )
    if failed:
        raise TodayError(
            f"{len(failed)} of {len(tried)} cells are not as in their era; "
            f"first {_format_cell_line(failed[0])}",
            f"every reason is in {grid.reports}",
        )
    return 0


def _format_cell_line(cell: GridCell) -> str:
    kind = "stock" if cell.stock else "patched"
    head = f"{cell.release} {kind} on {cell.python}"
    if cell.failed_stage is None:
        return f"{head}: ok, {cell.answers} answers"
    return f"{head}: {cell.failed_stage}: {cell.failure_reason.splitlines()[0]}"


def _format_grid_rows(
    tried: Sequence[GridCell], refused: Sequence[GridPair]
) -> list[tuple[str, ...]]:
    words = {(c.release, c.python): c.failed_stage or "ok" for c in tried}
    words |= {(p.trial.release, p.python): "-" for p in refused}
    releases = sorted({release for release, _ in words}, key=Version)
    return [(r, *(words.get((r, p), "") for p in PYTHONS)) for r in releases]


def _make_trials(
    releases: tuple[str, ...],
    options: _TrialOptions,
    sources: WheelSources,
    context: RunContext,
    workdir: Path,
) -> list[Trial]:
    if options.wheels:
        return [_make_file_trial(path, sources.releases) for path in options.wheels]
    wanted = _select_releases(sources.releases, releases)
    if options.stock:
        return [_make_stock_trial(release, sources.releases, workdir) for release in wanted]
    build = make_build_options(options.series, IdentityOptions(output=workdir))
    trials = []
    for outcome in build_releases(
        wanted, build, sources, context, jobs=count_cores(), report=lambda _: None
    ):
        if isinstance(outcome, FailedRelease):
            raise outcome.error
        trials.append(make_trial(outcome.path, outcome.release.version, stock=False))
    return trials


def _make_file_trial(path: Path, releases: Releases) -> Trial:
    """Make a trial of the user's own wheel file.

    It counts as the stock wheel if the catalog knows its sha256.
    """
    release = Version(parse_wheel_filename(path.name).version).public
    found = releases.catalog.find_release(release)
    trial = make_trial(path.resolve(), release, stock=False)
    return trial._replace(stock=found is not None and found.wheel.sha256 == trial.sha256)


def _make_stock_trial(release: Release, releases: Releases, workdir: Path) -> Trial:
    path = workdir / release.wheel.filename
    path.write_bytes(releases.fetch_stock_wheel(release).content)
    return make_trial(path, release.version, stock=True)


def _select_releases(releases: Releases, words: tuple[str, ...]) -> list[Release]:
    return select_runnable_releases(releases.find_requested(words), "name 1.14.0 or later")


def _write_page(releases: Releases, console: Console, reports: Path, page: Path) -> int:
    kept = cells.load_cells(reports)
    if not kept:
        raise RequestError(f"{reports} has no cells", "python -m builder today all")
    runnable = select_runnable_releases(releases.catalog.releases, "refresh the catalog")
    with make_temporary_directory("tensorboard-wheels-today-wheels-") as name:
        trials = [_make_stock_trial(release, releases, Path(name)) for release in runnable]
        _, refused = make_pairs(trials, PYTHONS)
    pairs = frozenset((p.trial.release, p.python) for p in refused)
    text = today_page.render_today_page(kept, [r.version for r in runnable], pairs)
    write_output_file(page, text.encode(), "--page")
    console.print_result(f"{page}: {len(kept)} cells")
    return 0


@click.command()
@click.argument("releases", nargs=-1, metavar="RELEASE...")
@_references_option
@python_path_option
@catalog_options
def record(
    releases: tuple[str, ...],
    references: Path,
    common: CatalogOptions,
    python_paths: tuple[Path, ...],
) -> int:
    """Record what stock wheels answer in their own era, for `today` to compare with."""
    context = make_context(offline=common.offline, python_paths=python_paths)
    known = make_releases(common, context)
    with make_temporary_directory("tensorboard-wheels-record-") as name:
        for release in _select_releases(known, releases):
            stock = Path(name, release.wheel.filename)
            stock.write_bytes(known.fetch_stock_wheel(release).content)
            made = record_reference(release, stock, context)
            path = save_reference(made, references)
            count = sum(len(mode.answers) for mode in made.modes.values())
            size = path.stat().st_size
            context.console.print_result(
                f"{path}: {count} answers on {made.python}, {size:,} bytes"
            )
    return 0
