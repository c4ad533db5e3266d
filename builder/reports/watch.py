"""Take over the index's changes into the catalog, and build the releases concerned."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.build.release import BuiltRelease, FailedRelease, build_releases
from builder.releases import catalog as catalogs
from builder.releases.catalog_update import update_catalog
from builder.reports.summary import escape_markdown, format_markdown_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.build.release import BuildOptions
    from builder.context import RunContext
    from builder.releases.catalog import CatalogDifference
    from builder.verify.sources import WheelSources


@dataclass(frozen=True, slots=True)
class IndexChanges:
    """What changed on the index, and what was done about it.

    Attributes:
        differences: how the index differed from the catalog.
        outcomes: those of the builds of the releases concerned.
        is_applied: whether the catalog changed; what is gone from the index is left to the user.
        branch: a name that is the same for the same catalog.
    """

    differences: tuple[CatalogDifference, ...]
    outcomes: tuple[BuiltRelease | FailedRelease, ...]
    is_applied: bool
    branch: str


def apply_index_changes(
    path: Path,
    options: BuildOptions,
    sources: WheelSources,
    context: RunContext,
    *,
    jobs: int,
    report: Callable[[BuiltRelease | FailedRelease], None],
) -> IndexChanges:
    """Update the catalog, and build each release that differed.

    Args:
        path: the catalog's file.
        options: how to build.
        sources: what wheels are built from, with the catalog before the update.
        context: the context of the run.
        jobs: how many at a time.
        report: called for each release when it is done.

    Raises:
        IndexLookupError: the catalog cannot be read or written, or the index does not answer.
    """
    before = path.read_bytes()
    differences = update_catalog(path, sources.releases.index, sources.releases.fetch_stock_wheel)
    after = path.read_bytes()
    branch = f"catalog/{hashlib.sha256(after).hexdigest()[:12]}"
    if before == after:
        return IndexChanges(tuple(differences), (), is_applied=False, branch=branch)
    catalog = catalogs.parse_catalog(catalogs.load_facts(path))
    versions = dict.fromkeys(d.version for d in differences)
    releases = [r for r in map(catalog.find_release, versions) if r is not None]
    updated_sources = sources._replace(releases=replace(sources.releases, catalog=catalog))
    outcomes = build_releases(releases, options, updated_sources, context, jobs=jobs, report=report)
    return IndexChanges(tuple(differences), tuple(outcomes), is_applied=True, branch=branch)


def format_pr_title(changes: IndexChanges) -> str:
    """Format the pull request's title."""
    versions = list(dict.fromkeys(d.version for d in changes.differences))
    shown = ", ".join(versions[:3]) + (" and more" if len(versions) > 3 else "")
    return f"Take over what the index says of {shown}"


def format_pr_body(changes: IndexChanges) -> str:
    """Format the pull request's Markdown text: what differs, and the outcomes of the builds."""
    differences = [
        f"- {escape_markdown(d.version)}: {escape_markdown(d.text)}" for d in changes.differences
    ]
    rows = [
        (escape_markdown(o.release.version), f"❌ {escape_markdown(o.error.message)}", "")
        if isinstance(o, FailedRelease)
        else (escape_markdown(o.release.version), f"✅ {o.checked} checks passed", f"`{o.sha256}`")
        for o in changes.outcomes
    ]
    parts = [
        "The index differs from the catalog:",
        "\n".join(differences),
        "The run that opened this took it over, and built:",
        format_markdown_table(("release", "build", "sha256"), rows),
        "A file that was re-published under its old name deserves a look at what changed in it.",
    ]
    return "\n\n".join(parts) + "\n"
