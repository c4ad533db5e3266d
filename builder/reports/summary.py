"""Summarise a run as GitHub-flavoured Markdown. Pure: the command line reads and writes files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from packaging.version import InvalidVersion, Version

from builder.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARKS = {"passed": "✅", "failed": "❌", "known": "⚠️"}


class WheelSummary(NamedTuple):
    """A wheel in the output directory: file name, size in bytes, sha256."""

    filename: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SmokeSummary:
    """The result of one release in one deployment.

    Attributes:
        release: the release.
        deployment: where it ran.
        engine: what ran it.
        outcome: `passed`, `failed` or `known`.
        seconds: how long it took.
        problems: the probes that did not pass, and why.
        pictures: paths of screenshots, relative to the reports directory.
    """

    release: str
    deployment: str
    engine: str
    outcome: str
    seconds: float
    problems: tuple[str, ...]
    pictures: tuple[str, ...]


def parse_smoke_result(content: str, label: str) -> SmokeSummary:
    """Read a `result.json`; `label` is its directory, relative to the reports directory.

    Raises:
        RequestError: it is no result of a smoke run.
    """
    try:
        found: dict[str, Any] = json.loads(content)
        probes = [(p["name"], p["outcome"], p.get("detail", "")) for p in found["probes"]]
        return SmokeSummary(
            release=str(found["release"]),
            deployment=str(found["deployment"]),
            engine=str(found["engine"]),
            outcome=str(found["outcome"]),
            seconds=float(found["seconds"]),
            problems=tuple(
                f"{name}: {detail or how}" for name, how, detail in probes if how != _PASSED
            ),
            pictures=tuple(f"{label}/{name}" for name in found["pictures"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RequestError(
            f"{label}/result.json is no result of a smoke run ({type(error).__name__}: {error})",
            "remove it, or run that deployment again",
        ) from error


_PASSED = "passed"


def to_markdown(
    wheels: Sequence[WheelSummary], smokes: Sequence[SmokeSummary], pictures_url: str | None
) -> str:
    """Render the summary.

    Args:
        wheels: what was built.
        smokes: what was tried.
        pictures_url: a page that has the pictures; None to show them from their relative paths.
            GitHub shows neither files of a runner nor `data:` URLs in a job summary.
    """
    parts = [
        *(["## Wheels", _format_wheel_table(wheels)] if wheels else []),
        *(["## Smoke", _format_smoke_table(smokes, pictures_url)] if smokes else []),
        *_list_problems(smokes),
    ]
    return "\n\n".join(parts or ["Nothing was built, and nothing was tried."]) + "\n"


def _format_wheel_table(wheels: Sequence[WheelSummary]) -> str:
    rows = [
        (f"`{w.filename}`", f"{w.size / 1e6:.1f}", f"`{w.sha256}`")
        for w in sorted(wheels, key=lambda w: _get_sort_key(w.filename.split("-")[1]))
    ]
    return format_markdown_table(("wheel", "MB", "sha256"), rows)


def _format_smoke_table(smokes: Sequence[SmokeSummary], pictures_url: str | None) -> str:
    """Format a table with a row for each release and a column for each deployment."""
    deployments = sorted({s.deployment for s in smokes})
    releases = sorted({s.release for s in smokes}, key=_get_sort_key)
    cells = {(s.release, s.deployment): _format_smoke_cell(s, pictures_url) for s in smokes}
    rows = [(r, *(cells.get((r, d), "") for d in deployments)) for r in releases]
    return format_markdown_table(("release", *deployments), rows)


def _format_smoke_cell(smoke: SmokeSummary, pictures_url: str | None) -> str:
    text = (
        f"{_MARKS.get(smoke.outcome, '')} {escape_markdown(smoke.outcome)}, {smoke.seconds:.0f} s"
    )
    if not smoke.pictures:
        return text
    if pictures_url is not None:
        return f"{text}, [{len(smoke.pictures)} pictures]({pictures_url})"
    return " ".join([text, *(f"![{escape_markdown(p)}](<{p}>)" for p in smoke.pictures)])


def _list_problems(smokes: Sequence[SmokeSummary]) -> list[str]:
    lines = [
        f"- {escape_markdown(s.release)}, {escape_markdown(s.deployment)}: {escape_markdown(line)}"
        for s in smokes
        for line in s.problems
    ]
    return ["### What did not pass", "\n".join(lines)] if lines else []


def format_markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a Markdown table; cells must be Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escape_markdown(text: str) -> str:
    """Escape any text to one line that is no Markdown and no HTML."""
    flat = " ".join(text.split())
    escaped = "".join(f"\\{c}" if c in "\\`*_[]|~#" else c for c in flat)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _get_sort_key(version: str) -> tuple[bool, Version, str]:
    try:
        return False, Version(version), version
    except InvalidVersion:
        return True, Version("0"), version
