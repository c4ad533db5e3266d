"""Render the grid as a page: releases and Pythons, before and after, from the stored cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

from builder.reports.rendering import render_template
from builder.today.cell import PYTHONS, STAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from builder.today.cell import GridCell

_OK, _NONE, _UNKNOWN = "ok", "-", "?"
_STAGE_WORDS = {
    "installs": "install",
    "imports": "import",
    "starts": "start",
    "serves": "serve",
    "equals": "differs",
    "notebook": "notebook",
}


class CellOutcome(NamedTuple):
    """The stock wheel's cell and the patched wheel's of a pair; None where it was not tried."""

    before: GridCell | None
    after: GridCell | None


def collect_cell_outcomes(cells: Iterable[GridCell]) -> dict[tuple[str, str], CellOutcome]:
    """Collect (release, Python) → both cells.

    Of several cells of a kind, the one of the latest date counts.
    """
    found: dict[tuple[str, str], CellOutcome] = {}
    for cell in sorted(cells, key=lambda c: (c.date, c.sha256)):
        key = (cell.release, cell.python)
        known = found.get(key, CellOutcome(None, None))
        changed = {"before" if cell.stock else "after": cell}
        found[key] = known._replace(**changed)
    return found


def render_today_page(
    cells: Iterable[GridCell], releases: Sequence[str], refused: frozenset[tuple[str, str]]
) -> str:
    """Render the page as Markdown.

    Args:
        cells: all stored cells.
        releases: all releases that the grid is about.
        refused: pairs that pip itself refuses by Requires-Python.
    """
    found = collect_cell_outcomes(cells)
    cell_rows = {r: tuple(_format_outcome(found, refused, r, p) for p in PYTHONS) for r in releases}
    return render_template(
        "today.md.j2",
        **_count_totals(found),
        stages=STAGES[:-1],
        pythons=list(PYTHONS),
        rows=[
            (group[0] if len(group) == 1 else f"{group[0]} to {group[-1]}", *cell_rows[group[0]])
            for group in _group_equal_rows(cell_rows)
        ],
        failures=sorted(_collect_failures(found).items()),
    )


def _format_outcome(
    found: Mapping[tuple[str, str], CellOutcome],
    refused: frozenset[tuple[str, str]],
    release: str,
    python: str,
) -> str:
    if (release, python) in refused:
        return _NONE
    outcome = found.get((release, python), CellOutcome(None, None))
    before, after = (_describe_cell(cell) for cell in outcome)
    return before if before == after else f"{before} → {after}"


def _describe_cell(cell: GridCell | None) -> str:
    if cell is None:
        return _UNKNOWN
    return _OK if cell.failed_stage is None else _STAGE_WORDS[cell.failed_stage]


def _group_equal_rows(rows: Mapping[str, tuple[str, ...]]) -> Iterator[list[str]]:
    """Group consecutive releases that have the same cells."""
    group: list[str] = []
    for release in sorted(rows, key=Version):
        if group and rows[release] != rows[group[0]]:
            yield group
            group = []
        group.append(release)
    if group:
        yield group


def _count_totals(found: Mapping[tuple[str, str], CellOutcome]) -> dict[str, str]:
    before = [o.before for o in found.values() if o.before is not None]
    after = [o.after for o in found.values() if o.after is not None]
    dates = sorted({c.date for c in [*before, *after]}) or ["never"]
    return {
        "before": _format_share(before),
        "after": _format_share(after),
        "answers": f"{sum(c.answers for c in after):,}",
        "dates": dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}",
    }


def _format_share(cells: Sequence[GridCell]) -> str:
    return f"{sum(c.failed_stage is None for c in cells)} of {len(cells)}"


def _collect_failures(found: Mapping[tuple[str, str], CellOutcome]) -> dict[str, list[str]]:
    """Collect what is wrong with patched wheels: reason → the pairs that it hits."""
    reasons: dict[str, list[str]] = {}
    order = sorted(found, key=lambda key: (Version(key[0]), PYTHONS.index(key[1])))
    for release, python in order:
        cell = found[release, python].after
        if cell is not None and cell.failed_stage is not None:
            reason = f"{_STAGE_WORDS[cell.failed_stage]}: {cell.failure_reason.splitlines()[0]}"
            reasons.setdefault(reason, []).append(f"{release} on {python}")
    return reasons
