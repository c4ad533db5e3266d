"""The verb `build`: put patched, renamed, checked wheels into the output directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from builder.build.backends import Backend
from builder.build.release import BuiltRelease, FailedRelease, build_releases
from builder.cli.contexts import (
    make_build_options,
    make_context,
    make_sources,
    require_extra,
    split_picks,
)
from builder.cli.options import (
    CommonOptions,
    IdentityOptions,
    UpstreamOptions,
    common_options,
    identity_options,
    pick_option,
    python_path_option,
    series_option,
    source_options,
)
from builder.cli.output import format_finding, set_step_output
from builder.cli.source_build import SourceBuildOptions, backend_options, make_bazel_options
from builder.model import FindingStatus
from builder.publish.digests import format_digests
from builder.system.machine import count_cores

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from builder.model import MetadataEdit, PickedCommits
    from builder.system.console import Console

_MIXED_ERRORS_EXIT = 1  # where releases failed with different exit codes
_MAX_SHOWN_PATHS = 3


@click.command()
@click.argument("releases", nargs=-1, metavar="RELEASE...")
@series_option
@pick_option
@source_options
@backend_options
@identity_options
@click.option("--force", is_flag=True, help="Replace a different wheel of the same name.")
@click.option("--deep", is_flag=True, help="Also install and start each wheel in its own era.")
@python_path_option
@click.option("--jobs", type=click.IntRange(min=1), help="How many at a time. Default: all cores.")
@click.option(
    "--digests-output",
    metavar="NAME",
    help="Give the sha256 of each wheel, for `upload`: as the output NAME of a GitHub Actions "
    "step; elsewhere print it, whatever NAME is.",
)
@common_options
def build(
    releases: tuple[str, ...],
    series: tuple[str, ...],
    picks: tuple[str, ...],
    force: bool,
    deep: bool,
    jobs: int | None,
    digests_output: str | None,
    common: CommonOptions,
    upstream: UpstreamOptions,
    identity: IdentityOptions,
    bazel: SourceBuildOptions,
    python_paths: tuple[Path, ...],
) -> int:
    """Build releases: 2.2.1, '>=1.13,<2.3', latest, all, or several of these."""
    backend = Backend(bazel.backend)
    options = make_build_options(
        series,
        identity,
        picks=split_picks(picks, upstream),
        backend=backend,
        force=force,
        deep=deep,
    )
    bazel_options = make_bazel_options(bazel)
    context = make_context(offline=common.offline, python_paths=python_paths)
    sources = make_sources(common, context, upstream, with_commit=True)
    console = context.console
    wanted = sources.releases.find_requested(releases)
    done = 0

    def report(outcome: BuiltRelease | FailedRelease) -> None:
        nonlocal done
        done += 1
        if len(wanted) > 1:
            console.print_result(f"[{done:2}/{len(wanted)}] {_format_release_line(outcome)}")

    # Bazel uses all cores for one release.
    jobs = jobs or (count_cores() if backend is Backend.OVERLAY else 1)
    bazel_backend = None
    if bazel_options is not None:
        cache = sources.releases.cache
        with require_extra("bazel"):
            from builder.bazel.backend import make_bazel_backend

            bazel_backend = make_bazel_backend(bazel_options, sources.upstream, cache, context)
    with console.show_progress():
        outcomes = build_releases(
            wanted,
            options,
            sources,
            context,
            jobs=jobs,
            report=report,
            bazel_backend=bazel_backend,
        )
    if digests_output is not None:
        built = {o.path.name: o.sha256 for o in outcomes if isinstance(o, BuiltRelease)}
        set_step_output(digests_output, format_digests(built), context)
    if len(outcomes) == 1:
        return _report_one_release(outcomes[0], console)
    return _report_many_releases(outcomes, console)


def _report_one_release(outcome: BuiltRelease | FailedRelease, console: Console) -> int:
    if isinstance(outcome, FailedRelease):
        raise outcome.error
    stock = outcome.release.wheel
    where = "from the cache" if outcome.cached else "fetched"
    rows = [
        ("stock wheel", f"{stock.filename}, {where}, sha256 {stock.sha256}"),
        *_make_patch_rows(outcome),
        ("native", ", ".join(outcome.native)),
        *_make_source_rows(outcome.picked),
        *_make_bazel_rows(outcome),
        ("changed", _shorten_path_list(outcome.changed) or "nothing but the name"),
        ("metadata", "; ".join(_format_metadata_edit(e) for e in outcome.metadata)),
        ("identity", f"{outcome.identity.name} {outcome.identity.version}"),
        ("checks", _format_check_counts(outcome)),
        ("wheel", f"sha256 {outcome.sha256}, {outcome.size:,} bytes, {outcome.seconds:.2f} s"),
    ]
    console.print_result(f"{outcome.path} {outcome.placement}")
    for label, text in rows:
        if text:
            console.print_result(f"  {label:<15} {text}")
    for finding in outcome.findings:
        console.print_result(f"  {format_finding(finding)}")
    return 0


def _make_patch_rows(outcome: BuiltRelease) -> list[tuple[str, str]]:
    by_series: dict[str, list[str]] = {}
    for patch in outcome.patches:
        by_series.setdefault(patch.series, []).append(patch.file)
    rows = [(name, ", ".join(files)) for name, files in by_series.items()]
    return rows or [("patches", "none")]


def _make_source_rows(picked: PickedCommits | None) -> list[tuple[str, str]]:
    if picked is None:
        return []
    return [
        ("source", f"{picked.upstream} at {picked.base}"),
        *_make_commit_rows(picked),
        ("picked tree", f"{picked.tree} of commit {picked.head}"),
        ("native commits", ", ".join(picked.native)),
        ("left out", ", ".join(picked.left_out)),
    ]


def _make_commit_rows(picked: PickedCommits | None) -> list[tuple[str, str]]:
    if picked is None:
        return []
    pairs = zip(picked.commits, picked.origins, strict=True)
    return [("commit", f"{commit}, of {origin.text}") for commit, origin in pairs]


def _make_bazel_rows(outcome: BuiltRelease) -> list[tuple[str, str]]:
    if outcome.source_build is None:
        return []
    rows = [("bazel", f"{outcome.source_build.processes or 'ran'}; log {outcome.source_build.log}")]
    found = outcome.comparison
    if found is not None:
        rows.append(("equivalence", f"{found.identical} members identical, none different"))
        rows += [("explained", f"{count}: {why}") for why, count in found.reasons.items()]
    return rows


def _format_metadata_edit(edit: MetadataEdit) -> str:
    what = "" if edit.header == "Requires-Dist" else f"{edit.header}: "
    return f"{edit.action} {what}{edit.value}"


def _shorten_path_list(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:_MAX_SHOWN_PATHS])
    return (
        f"{shown} and {len(paths) - _MAX_SHOWN_PATHS} more"
        if len(paths) > _MAX_SHOWN_PATHS
        else shown
    )


def _report_many_releases(
    outcomes: Sequence[BuiltRelease | FailedRelease], console: Console
) -> int:
    rows = [_format_release_row(outcome) for outcome in outcomes]
    console.print_table(("release", "wheel", "outcome", "series", "inherited", "MB", "s"), rows)
    failed = [o for o in outcomes if isinstance(o, FailedRelease)]
    built = [o for o in outcomes if isinstance(o, BuiltRelease)]
    for label, text in _make_commit_rows(built[0].picked) if built else ():
        console.print_result(f"{label} {text}")
    console.print_result(f"{len(built)} of {len(outcomes)} releases built")
    for outcome in failed:
        console.print_error(outcome.error.message, outcome.error.hint)
    codes = {o.error.exit_code for o in failed}
    return 0 if not codes else codes.pop() if len(codes) == 1 else _MIXED_ERRORS_EXIT


def _format_release_line(outcome: BuiltRelease | FailedRelease) -> str:
    if isinstance(outcome, FailedRelease):
        return f"{outcome.release.version} failed: {outcome.error.message}"
    name = outcome.path.name
    return f"{outcome.release.version} {name} {outcome.placement}, {outcome.seconds:.2f} s"


def _format_release_row(outcome: BuiltRelease | FailedRelease) -> tuple[str, ...]:
    if isinstance(outcome, FailedRelease):
        return (outcome.release.version, "", f"failed: {outcome.error.message}", "", "", "", "")
    return (
        outcome.release.version + (" (yanked)" if outcome.release.yanked else ""),
        outcome.path.name,
        str(outcome.placement),
        ", ".join(dict.fromkeys(p.series for p in outcome.patches)) or "none",
        str(sum(f.status is FindingStatus.INHERITED for f in outcome.findings)),
        f"{outcome.size / 1e6:.1f}",
        f"{outcome.seconds:.2f}",
    )


def _format_check_counts(outcome: BuiltRelease) -> str:
    inherited = sum(f.status is FindingStatus.INHERITED for f in outcome.findings)
    extra = f", {inherited} findings inherited from stock" if inherited else ""
    return f"{outcome.checked} passed{extra}"
