"""`today`: the grid of today's Pythons; `record`: the era references that it compares with."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from packaging.version import Version

from builder.build.release import Failed, build_many
from builder.cli.options import (
    ROOT,
    build_options,
    common_options,
    open_workshop,
    python_path_option,
    series_option,
    take_common,
)
from builder.errors import RequestError, TodayError
from builder.model import IdentityKind
from builder.releases.request import alive_today, parse_request
from builder.reports import today_page
from builder.system.machine import cores
from builder.today import cell as cells
from builder.today.cell import PYTHONS
from builder.today.grid import Grid, pairs_of, run_grid, sift_by_python, subject_of
from builder.today.record import record as record_era
from builder.today.reference import save
from builder.wheel.names import parse_filename

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.context import Workshop
    from builder.model import Release
    from builder.today.cell import Cell
    from builder.today.grid import Pair
    from builder.today.trial import Subject

DEFAULT_REFERENCES = ROOT / "tests" / "eras"
_DIRECTORY = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)

_references = click.option(
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
@_references
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
    workshop = open_workshop(take_common(chosen))
    grid = _grid(workshop, **chosen)
    if releases == ("table",):
        return _write_page(workshop, grid.reports, page)
    for python in pythons:
        workshop.pythons.find_python(python)
    with tempfile.TemporaryDirectory(prefix="today-wheels-") as name:
        subjects = _subjects(releases, workshop, Path(name), **chosen)
        able, refused = pairs_of(subjects, pythons or PYTHONS)
        return _run(able, refused, grid, workshop)


def _grid(
    workshop: Workshop,
    *,
    references: Path,
    reports: Path,
    jobs: int | None,
    fresh: bool,
    **others: Any,
) -> Grid:
    del others
    return Grid(
        references=references,
        reports=reports,
        environment=workshop.environment,
        environ=workshop.environ,
        pythons=workshop.pythons,
        jobs=jobs or cores(),
        fresh=fresh,
    )


def _run(pairs: Sequence[Pair], refused: Sequence[Pair], grid: Grid, workshop: Workshop) -> int:
    """Try those whose Python is on this machine; what is left out is said.

    Raises:
        PythonNotFoundError: there are none.
        TodayError: some are not as in their era.
    """
    able, missing = sift_by_python(pairs, workshop.pythons)
    if missing and not able:
        raise next(iter(missing.values()))
    console = workshop.console
    count = 0
    began = time.monotonic()

    def report(cell: Cell, before: bool) -> None:
        nonlocal count
        count += 1
        seconds = "done before" if before else f"{sum(cell.seconds.values()):.0f} s"
        console.say(f"[{count:3}/{len(able)}] {_line(cell)} ({seconds})")

    tried = run_grid(able, grid, report)
    failed = [c for c in tried if c.failed is not None]
    if refused:
        names = ", ".join(f"{p.subject.release} on {p.python}" for p in refused)
        console.note(f"Requires-Python excludes {len(refused)} pairs: {names}")
    if missing:
        why = next(iter(missing.values()))
        names = ", ".join(missing)
        console.note(f"left out: Python {names}; for one, {why.message}; {why.hint}")
    console.table(("release", *PYTHONS), _rows(tried, refused))
    console.say(
        f"{len(tried) - len(failed)} of {len(tried)} cells ok, {time.monotonic() - began:.0f} s"
    )
    if failed:
        raise TodayError(
            f"{len(failed)} of {len(tried)} cells are not as in their era; "
            f"first {_line(failed[0])}",
            f"every reason is in {grid.reports}",
        )
    return 0


def _line(cell: Cell) -> str:
    kind = "stock" if cell.stock else "patched"
    head = f"{cell.release} {kind} on {cell.python}"
    if cell.failed is None:
        return f"{head}: ok, {cell.answers} answers"
    return f"{head}: {cell.failed}: {cell.why.splitlines()[0]}"


def _rows(tried: Sequence[Cell], refused: Sequence[Pair]) -> list[tuple[str, ...]]:
    words = {(c.release, c.python): c.failed or "ok" for c in tried}
    words |= {(p.subject.release, p.python): "-" for p in refused}
    releases = sorted({release for release, _ in words}, key=Version)
    return [(r, *(words.get((r, p), "") for p in PYTHONS)) for r in releases]


def _subjects(
    releases: tuple[str, ...],
    workshop: Workshop,
    room: Path,
    *,
    stock: bool,
    wheels: tuple[Path, ...],
    series: tuple[str, ...],
    **others: Any,
) -> list[Subject]:
    del others
    if wheels:
        return [_given(path, workshop) for path in wheels]
    wanted = _in_reach(workshop, releases)
    if stock:
        return [_stock(release, workshop, room) for release in wanted]
    options = build_options(series, IdentityKind.TEST, None, None, None, room)
    subjects = []
    for outcome in build_many(wanted, workshop, options, jobs=cores(), report=lambda _: None):
        if isinstance(outcome, Failed):
            raise outcome.error
        subjects.append(subject_of(outcome.path, outcome.release.version, stock=False))
    return subjects


def _given(path: Path, workshop: Workshop) -> Subject:
    """A wheel file that somebody made; it is the stock wheel if the catalog knows its sha256."""
    release = Version(parse_filename(path.name).version).public
    found = workshop.catalog.find(release)
    subject = subject_of(path.resolve(), release, stock=False)
    return subject._replace(stock=found is not None and found.wheel.sha256 == subject.sha256)


def _stock(release: Release, workshop: Workshop, room: Path) -> Subject:
    path = room / release.wheel.filename
    path.write_bytes(workshop.stock(release).content)
    return subject_of(path, release.version, stock=True)


def _in_reach(workshop: Workshop, releases: tuple[str, ...]) -> list[Release]:
    found = workshop.releases(parse_request(releases, workshop.catalog))
    return alive_today(found, "name 1.14.0 or later")


def _write_page(workshop: Workshop, reports: Path, page: Path) -> int:
    kept = cells.load_all(reports)
    if not kept:
        raise RequestError(f"{reports} has no cells", "python -m builder today all")
    able = alive_today(workshop.catalog.releases, "refresh the catalog")
    with tempfile.TemporaryDirectory(prefix="today-wheels-") as name:
        subjects = [_stock(release, workshop, Path(name)) for release in able]
        _, refused = pairs_of(subjects, PYTHONS)
    pairs = frozenset((p.subject.release, p.python) for p in refused)
    page.write_text(today_page.render(kept, [r.version for r in able], pairs), encoding="utf-8")
    workshop.console.say(f"{page}: {len(kept)} cells")
    return 0


@click.command()
@click.argument("releases", nargs=-1, metavar="RELEASE...")
@_references
@python_path_option
@common_options
def record(releases: tuple[str, ...], references: Path, **common: Any) -> int:
    """Record what stock wheels answer in their own era, for `today` to compare with."""
    workshop = open_workshop(take_common(common))
    wanted = _in_reach(workshop, releases)
    with tempfile.TemporaryDirectory(prefix="record-") as name:
        for release in wanted:
            stock = Path(name, release.wheel.filename)
            stock.write_bytes(workshop.stock(release).content)
            made = record_era(
                release, stock, workshop.environment, workshop.environ, workshop.pythons
            )
            path = save(made, references)
            count = sum(len(mode.answers) for mode in made.modes.values())
            size = path.stat().st_size
            workshop.console.say(f"{path}: {count} answers on {made.python}, {size:,} bytes")
    return 0
