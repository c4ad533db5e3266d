"""The verb `plan`: what would be done to each release, and why; nothing is changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from builder.build.plan import BuildPlan, SeriesPlan, make_plan, to_json, to_matrix
from builder.cli.contexts import make_build_options, make_context, make_sources, split_picks
from builder.cli.options import (
    CommonOptions,
    IdentityOptions,
    UpstreamOptions,
    common_options,
    identity_options,
    pick_option,
    series_option,
    source_options,
)
from builder.cli.output import format_finding, set_step_output
from builder.errors import NewFindingsError
from builder.patching.series import audit_series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.model import Release
    from builder.system.console import Console
    from builder.verify.sources import WheelSources


@click.command()
@click.argument("releases", nargs=-1, metavar="RELEASE...")
@series_option
@pick_option
@source_options
@identity_options
@click.option("--json", "as_json", is_flag=True, help="One JSON list for machines.")
@click.option(
    "--matrix",
    metavar="NAME",
    help="A GitHub Actions matrix: the output NAME of the step, or a line of JSON elsewhere.",
)
@common_options
def plan(
    releases: tuple[str, ...],
    series: tuple[str, ...],
    picks: tuple[str, ...],
    as_json: bool,
    matrix: str | None,
    common: CommonOptions,
    upstream: UpstreamOptions,
    identity: IdentityOptions,
) -> int:
    """Show what `build` would do to releases: 2.2.1, '>=1.13,<2.3', latest, all.

    With --cherry-pick: whether the commits go onto each release (clean), are there already
    (native), conflict, or change what only Bazel can build (needs-bazel).
    """
    options = make_build_options(series, identity, picks=split_picks(picks, upstream))
    context = make_context(offline=common.offline)
    sources = make_sources(common, context, upstream)
    console = context.console
    wanted = sources.releases.find_requested(releases)
    if options.picks:
        return _show_verdicts(wanted, options.picks, sources, console, as_json=as_json)
    all_series = sources.load_series(options.series)
    present = {p.name for p in options.output.iterdir()} if options.output.is_dir() else set()
    plans = make_plan(wanted, all_series, options.naming.make_identity, present)
    if matrix is not None:
        set_step_output(matrix, json.dumps(to_matrix(plans)), context)
    elif as_json:
        console.print_json([to_json(p) for p in plans])
    else:
        columns = (
            "release",
            "stock wheel",
            "backend",
            *options.series,
            "identity",
            "output",
            "there",
        )
        console.print_table(columns, [_format_plan_row(p) for p in plans])
    findings = audit_series(all_series, sources.releases.catalog.versions)
    for finding in findings:
        console.print_note(format_finding(finding))
    if findings:
        raise NewFindingsError(
            f"the series have {len(findings)} findings", "fix series.toml, or remove the file"
        )
    return 0


def _show_verdicts(
    wanted: Sequence[Release],
    picks: Sequence[str],
    sources: WheelSources,
    console: Console,
    *,
    as_json: bool,
) -> int:
    """Print what the commits mean for each release."""
    from builder.cherrypick.verdict import to_json as verdict_json
    from builder.cherrypick.verdicts import make_verdicts

    picker, verdicts = make_verdicts(wanted, picks, sources.upstream, sources.releases.cache)
    ids = [commit.id for commit in picker.commits]
    origins = [found[0] for found in picker.origins]
    if as_json:
        console.print_json([verdict_json(v, ids, origins) for v in verdicts])
        return 0
    for commit, origin in zip(picker.commits, origins, strict=True):
        console.print_result(f"{commit.id} {commit.subject}")
        console.print_result(f"  of {origin.text}")
    rows = [(v.version, str(v.kind), v.reason, ", ".join(v.imports)) for v in verdicts]
    console.print_table(("release", "verdict", "because", "imports not required"), rows)
    return 0


def _format_series_cell(part: SeriesPlan) -> str:
    if part.status != "applied":
        return part.status
    if len(part.patches) > 1 or part.metadata:
        return f"{len(part.patches)} patches, {len(part.metadata)} metadata edits"
    return ", ".join(part.patches)


def _format_plan_row(item: BuildPlan) -> tuple[str, ...]:
    release = item.release
    mark = " (yanked)" if release.yanked else "" if release.pinned else " (not in the catalog)"
    backend = item.backend if item.backend == "overlay" else f"{item.backend}: {item.reason}"
    return (
        release.version + mark,
        release.wheel.filename,
        backend,
        *(_format_series_cell(s) for s in item.series),
        item.identity.kind,
        item.filename,
        "yes" if item.in_output else "no",
    )
