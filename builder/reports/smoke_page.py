"""Render all smoke results as an HTML page; pictures are linked where they are stored. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.reports.rendering import render_template
from builder.smoke.model import ProbeOutcome
from builder.wheel.names import make_version_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.smoke.results.result import StoredResult


def render_smoke_page(stored: Sequence[StoredResult]) -> str:
    """Render the page.

    Args:
        stored: the results; the page must be in the directory to which theirs are relative.

    Returns:
        HTML; everything that comes from a result is escaped.
    """
    cells = {(s.result.release, s.result.deployment): s for s in stored}
    passed = ProbeOutcome.PASSED
    return render_template(
        "smoke.html.j2",
        cells=cells,
        releases=sorted({release for release, _ in cells}, key=make_version_key),
        deployments=list(dict.fromkeys(name for _, name in sorted(cells))),
        passed=sum(s.result.outcome is passed for s in cells.values()),
        probes=sum(len(s.result.probes) for s in cells.values()),
        counts={
            key: f"{sum(p.outcome is passed for p in s.result.probes)} of {len(s.result.probes)}"
            for key, s in cells.items()
        },
    )
