"""Summarise a run as GitHub-flavoured Markdown. Pure: the command line reads and writes files."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from builder.reports.rendering import escape_markdown, format_code, render_template
from builder.smoke.model import ProbeOutcome
from builder.wheel.names import make_version_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.smoke.results.result import StoredResult

_MARKS = {ProbeOutcome.PASSED: "✅", ProbeOutcome.FAILED: "❌"}


class WheelSummary(NamedTuple):
    """A wheel in the output directory: file name, size in bytes, sha256."""

    filename: str
    size: int
    sha256: str


def render_summary(
    wheels: Sequence[WheelSummary], stored: Sequence[StoredResult], pictures_url: str | None
) -> str:
    """Render the summary.

    Args:
        wheels: what was built.
        stored: the results of smoke tests.
        pictures_url: a page that has the pictures; None to show them from their relative paths.
            GitHub shows neither files of a runner nor `data:` URLs in a job summary.
    """
    results = [s.result for s in stored]
    deployments = sorted({r.deployment for r in results})
    cells = {
        (s.result.release, s.result.deployment): _format_smoke_cell(s, pictures_url) for s in stored
    }
    return render_template(
        "summary.md.j2",
        wheels=[
            (format_code(w.filename), f"{w.size / 1e6:.1f}", f"`{w.sha256}`")
            for w in sorted(wheels, key=lambda w: make_version_key(w.filename.split("-")[1]))
        ],
        deployments=[escape_markdown(d) for d in deployments],
        smokes=[
            (escape_markdown(release), *(cells.get((release, d), "") for d in deployments))
            for release in sorted({r.release for r in results}, key=make_version_key)
        ],
        problems=[
            escape_markdown(f"{r.release}, {r.deployment}: {p.name}: {p.detail or p.outcome}")
            for r in results
            for p in r.probes
            if p.outcome is not ProbeOutcome.PASSED
        ],
    )


def _format_smoke_cell(stored: StoredResult, pictures_url: str | None) -> str:
    result = stored.result
    text = f"{_MARKS[result.outcome]} {result.outcome}, {result.seconds:.0f} s"
    if not result.pictures:
        return text
    if pictures_url is not None:
        return f"{text}, [{len(result.pictures)} pictures]({pictures_url})"
    paths = [f"{stored.directory}/{name}" for name in result.pictures]
    return " ".join([text, *(f"![{escape_markdown(p)}](<{quote(p)}>)" for p in paths)])
