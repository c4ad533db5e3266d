"""`today`: the grid of today's Pythons; `record`: the era references that it compares with."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from packaging.version import Version

from builder.build.release import FailedRelease, build_releases
from builder.cli.options import (
    ROOT,
    common_options,
    make_build_options,
    open_workshop,
    python_path_option,
    series_option,
    take_common_options,
)
from builder.errors import RequestError, TodayError
from builder.model import IdentityKind
from builder.releases.request import parse_release_request, select_runnable_releases
from builder.reports import today_page
from builder.system.machine import count_cores
from builder.today import cell as cells
from builder.today.cell import PYTHONS
from builder.today.grid import GridOptions, make_pairs, make_trial, run_grid, split_by_python
from builder.today.record import record_reference as record_era
from builder.today.reference import save_reference
from builder.wheel.names import parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.context import Workshop
    from builder.model import Release
    from builder.today.cell import GridCell
    from builder.today.grid import GridPair
    from builder.today.trial import Trial

DEFAULT_REFERENCES = ROOT / "tests" / "eras"
_DIRECTORY = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)

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
@click.option("--stock", is_flag=True, help="Try the published wheels: the picture before.")
@click.option("--wheel", "wheels", multiple=True, type=_FILE, help="Try these files instead.")
@click.option("--jobs", type=click.IntRange(min=1), help="How many at a time. Default: all cores.")
@click.option("--fresh", is_flag=True, help="Do again what is done.")
@click.option("--reports", type=_DIRECTORY, default=Path("reports/today"), show_default=True)
@click.option("--page", type=click.Path(path_type=Path), default=Path("docs/today.md"))
@_references_option
@series_option
@common_options
def today(
    releases: tuple[str, ...],
    pythons: tuple[str, ...],
    page: Path,
    **chosen: Any,
) -> int:
    """Try wheels on today's Pythons: 2.2.1, all, …; `today table` writes docs/today.md.

    Without --python, those that are not on this machine are left out, and named.
    """
    workshop = open_workshop(take_common_options(chosen))
    grid = _make_grid_options(workshop, **chosen)
    if releases == ("table",):
        return _write_page(workshop, grid.reports, page)
    for python in pythons:
        workshop.pythons.find_python(python)
    with tempfile.TemporaryDirectory(prefix="today-wheels-") as name:
        trials = _make_trials(releases, workshop, Path(name), **chosen)
        able, refused = make_pairs(trials, pythons or PYTHONS)
        return _run_pairs(able, refused, grid, workshop)


def _make_grid_options(
    workshop: Workshop,
    *,
    references: Path,
    reports: Path,
    jobs: int | None,
    fresh: bool,
    **others: Any,
) -> GridOptions:
    del others
    return GridOptions(
        references=references,
        reports=reports,
        settings=workshop.environment,
        env=workshop.environ,
        pythons=workshop.pythons,
        jobs=jobs or count_cores(),
        fresh=fresh,
    )


def _run_pairs(
    pairs: Sequence[GridPair], refused: Sequence[GridPair], grid: GridOptions, workshop: Workshop
) -> int:
    """Try those whose Python is on this machine; what is left out is said.

    Raises:
        PythonNotFoundError: there are none.
        TodayError: some are not as in their era.
    """
    able, missing = split_by_python(pairs, workshop.pythons)
    if missing and not able:
        raise next(iter(missing.values()))
    console = workshop.console
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
    workshop: Workshop,
    workdir: Path,
    *,
    stock: bool,
    wheels: tuple[Path, ...],
    series: tuple[str, ...],
    **others: Any,
) -> list[Trial]:
    del others
    if wheels:
        return [_make_file_trial(path, workshop) for path in wheels]
    wanted = _select_releases(workshop, releases)
    if stock:
        return [_make_stock_trial(release, workshop, workdir) for release in wanted]
    options = make_build_options(series, IdentityKind.TEST, None, None, None, workdir)
    trials = []
    for outcome in build_releases(
        wanted, workshop, options, jobs=count_cores(), report=lambda _: None
    ):
        if isinstance(outcome, FailedRelease):
            raise outcome.error
        trials.append(make_trial(outcome.path, outcome.release.version, stock=False))
    return trials


def _make_file_trial(path: Path, workshop: Workshop) -> Trial:
    """A wheel file that somebody made; it is the stock wheel if the catalog knows its sha256."""
    release = Version(parse_wheel_filename(path.name).version).public
    found = workshop.catalog.find_release(release)
    trial = make_trial(path.resolve(), release, stock=False)
    return trial._replace(stock=found is not None and found.wheel.sha256 == trial.sha256)


def _make_stock_trial(release: Release, workshop: Workshop, workdir: Path) -> Trial:
    path = workdir / release.wheel.filename
    path.write_bytes(workshop.stock(release).content)
    return make_trial(path, release.version, stock=True)


def _select_releases(workshop: Workshop, releases: tuple[str, ...]) -> list[Release]:
    found = workshop.releases(parse_release_request(releases, workshop.catalog))
    return select_runnable_releases(found, "name 1.14.0 or later")


def _write_page(workshop: Workshop, reports: Path, page: Path) -> int:
    kept = cells.load_cells(reports)
    if not kept:
        raise RequestError(f"{reports} has no cells", "python -m builder today all")
    able = select_runnable_releases(workshop.catalog.releases, "refresh the catalog")
    with tempfile.TemporaryDirectory(prefix="today-wheels-") as name:
        trials = [_make_stock_trial(release, workshop, Path(name)) for release in able]
        _, refused = make_pairs(trials, PYTHONS)
    pairs = frozenset((p.trial.release, p.python) for p in refused)
    page.write_text(
        today_page.render_today_page(kept, [r.version for r in able], pairs), encoding="utf-8"
    )
    workshop.console.print_result(f"{page}: {len(kept)} cells")
    return 0


@click.command()
@click.argument("releases", nargs=-1, metavar="RELEASE...")
@_references_option
@python_path_option
@common_options
def record(releases: tuple[str, ...], references: Path, **common: Any) -> int:
    """Record what stock wheels answer in their own era, for `today` to compare with."""
    workshop = open_workshop(take_common_options(common))
    wanted = _select_releases(workshop, releases)
    with tempfile.TemporaryDirectory(prefix="record-") as name:
        for release in wanted:
            stock = Path(name, release.wheel.filename)
            stock.write_bytes(workshop.stock(release).content)
            made = record_era(
                release, stock, workshop.environment, workshop.environ, workshop.pythons
            )
            path = save_reference(made, references)
            count = sum(len(mode.answers) for mode in made.modes.values())
            size = path.stat().st_size
            workshop.console.print_result(
                f"{path}: {count} answers on {made.python}, {size:,} bytes"
            )
    return 0
