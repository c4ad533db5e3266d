"""`build`: patched, renamed, checked wheels in the output directory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from builder.build.backends import Backend
from builder.build.release import Built, Failed, build_many
from builder.cli.options import (
    common_options,
    identity_options,
    open_workshop,
    pick_option,
    python_path_option,
    series_option,
    source_options,
    take_common,
    with_picks,
)
from builder.cli.prune import prune as remove_ours
from builder.cli.prune import prune_option
from builder.cli.source_build import backend_options, foundry, take_foundry
from builder.cli.words import finding_line
from builder.model import Standing
from builder.releases.request import parse_request
from builder.system.machine import cores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.model import MetadataEdit, Picked
    from builder.system.console import Console

_SEVERAL_KINDS = 1
_SHOWN = 3


@click.command()
@click.argument("releases", nargs=-1, metavar="RELEASE...")
@series_option
@pick_option
@source_options
@backend_options
@prune_option
@identity_options
@click.option("--force", is_flag=True, help="Replace a different wheel of the same name.")
@click.option("--deep", is_flag=True, help="Also install and start each wheel in its own era.")
@python_path_option
@click.option("--jobs", type=click.IntRange(min=1), help="How many at a time. Default: all cores.")
@common_options
def build(
    releases: tuple[str, ...],
    series: tuple[str, ...],
    picks: tuple[str, ...],
    jobs: int | None,
    prune: bool,
    **chosen: Any,
) -> int:
    """Build releases: 2.2.1, '>=1.13,<2.3', latest, all, or several of these."""
    if prune:
        return remove_ours(releases)
    common = take_common(chosen)
    backend, source = take_foundry(chosen)
    options = replace(with_picks(picks, common.remote, series, chosen), backend=backend)
    workshop = open_workshop(common, commit=True)
    console = workshop.console
    wanted = workshop.releases(parse_request(releases, workshop.catalog))
    done = 0

    def report(outcome: Built | Failed) -> None:
        nonlocal done
        done += 1
        if len(wanted) > 1:
            console.say(f"[{done:2}/{len(wanted)}] {_line(outcome)}")

    # Bazel takes all cores for one release.
    jobs = jobs or (cores() if backend is Backend.OVERLAY else 1)
    with console.progress(), foundry(backend, source, workshop) as opened:
        outcomes = build_many(wanted, workshop, options, jobs=jobs, report=report, foundry=opened)
    if len(outcomes) == 1:
        return _one(outcomes[0], console)
    return _many(outcomes, console)


def _one(outcome: Built | Failed, console: Console) -> int:
    if isinstance(outcome, Failed):
        raise outcome.error
    stock = outcome.release.wheel
    where = "from the cache" if outcome.cached else "fetched"
    rows = [
        ("stock wheel", f"{stock.filename}, {where}, sha256 {stock.sha256}"),
        *_patches(outcome),
        ("native", ", ".join(outcome.native)),
        *_source(outcome.picked),
        *_bazel(outcome),
        ("changed", _few(outcome.changed) or "nothing but the name"),
        ("metadata", "; ".join(_edit(e) for e in outcome.metadata)),
        ("identity", f"{outcome.identity.name} {outcome.identity.version}"),
        ("checks", _checks(outcome)),
        ("wheel", f"sha256 {outcome.sha256}, {outcome.size:,} bytes, {outcome.seconds:.2f} s"),
    ]
    console.say(f"{outcome.path} {outcome.placement}")
    for label, text in rows:
        if text:
            console.say(f"  {label:<15} {text}")
    for finding in outcome.findings:
        console.say(f"  {finding_line(finding)}")
    return 0


def _patches(outcome: Built) -> list[tuple[str, str]]:
    by_series: dict[str, list[str]] = {}
    for patch in outcome.patches:
        by_series.setdefault(patch.series, []).append(patch.file)
    rows = [(name, ", ".join(files)) for name, files in by_series.items()]
    return rows or [("patches", "none")]


def _source(picked: Picked | None) -> list[tuple[str, str]]:
    if picked is None:
        return []
    return [
        ("source", f"{picked.upstream} at {picked.base}"),
        ("commits from", picked.remote),
        ("picked tree", f"{picked.tree} of commit {picked.head}"),
        ("native commits", ", ".join(picked.native)),
        ("left out", ", ".join(picked.left_out)),
    ]


def _bazel(outcome: Built) -> list[tuple[str, str]]:
    if outcome.cast is None:
        return []
    rows = [("bazel", f"{outcome.cast.processes or 'ran'}; log {outcome.cast.log}")]
    found = outcome.comparison
    if found is not None:
        rows.append(("equivalence", f"{found.identical} members identical, none different"))
        rows += [("explained", f"{count}: {why}") for why, count in found.reasons.items()]
    return rows


def _edit(edit: MetadataEdit) -> str:
    what = "" if edit.header == "Requires-Dist" else f"{edit.header}: "
    return f"{edit.action} {what}{edit.value}"


def _few(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:_SHOWN])
    return f"{shown} and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else shown


def _many(outcomes: Sequence[Built | Failed], console: Console) -> int:
    rows = [_row(outcome) for outcome in outcomes]
    console.table(("release", "wheel", "outcome", "series", "inherited", "MB", "s"), rows)
    failed = [o for o in outcomes if isinstance(o, Failed)]
    console.say(f"{len(outcomes) - len(failed)} of {len(outcomes)} releases built")
    for outcome in failed:
        console.error(outcome.error.message, outcome.error.hint)
    codes = {o.error.exit_code for o in failed}
    return 0 if not codes else codes.pop() if len(codes) == 1 else _SEVERAL_KINDS


def _line(outcome: Built | Failed) -> str:
    if isinstance(outcome, Failed):
        return f"{outcome.release.version} failed: {outcome.error.message}"
    name = outcome.path.name
    return f"{outcome.release.version} {name} {outcome.placement}, {outcome.seconds:.2f} s"


def _row(outcome: Built | Failed) -> tuple[str, ...]:
    if isinstance(outcome, Failed):
        return (outcome.release.version, "", f"failed: {outcome.error.message}", "", "", "", "")
    return (
        outcome.release.version + (" (yanked)" if outcome.release.yanked else ""),
        outcome.path.name,
        str(outcome.placement),
        ", ".join(dict.fromkeys(p.series for p in outcome.patches)) or "none",
        str(sum(f.standing is Standing.INHERITED for f in outcome.findings)),
        f"{outcome.size / 1e6:.1f}",
        f"{outcome.seconds:.2f}",
    )


def _checks(outcome: Built) -> str:
    inherited = sum(f.standing is Standing.INHERITED for f in outcome.findings)
    extra = f", {inherited} findings inherited from stock" if inherited else ""
    return f"{outcome.checked} passed{extra}"
