"""`bench`: ratios against what a user would otherwise run."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from builder.bench import report
from builder.bench import today as bench_today
from builder.bench.wheel import measure_all, measure_wheel
from builder.build.release import Failed, build_many
from builder.cli.options import (
    ROOT,
    Common,
    build_options,
    common_options,
    open_workshop,
    project,
    python_path_option,
    take_common,
)
from builder.model import IdentityKind
from builder.releases.request import parse_request

_report_to = click.option(
    "--report-to",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT / "docs" / "bench",
    help="Where the report goes; default: docs/bench.",
)


@click.group()
def bench() -> None:
    """Measure ratios against what a user would otherwise run, side by side in one run."""


@bench.command()
@click.argument("release", default="2.2.1")
@click.option("--repeat", type=click.IntRange(min=3), default=9, show_default=True)
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True)
@_report_to
@common_options
def wheel(
    release: str,
    repeat: int,
    jobs: int,
    report_to: Path,
    catalog: Path,
    patches: Path,
    offline: bool,
) -> int:
    """Build one release beside the hand recipes and the floor; then build all."""
    workshop = open_workshop(Common(catalog, patches, offline))
    console = workshop.console
    (chosen,) = workshop.releases(parse_request([release], workshop.catalog))
    all_series = workshop.series(project().series)
    for one in workshop.catalog.releases:
        workshop.stock(one)
    measurements = measure_wheel(chosen, workshop, all_series, repeat)
    build_all = measure_all(workshop, jobs)
    console.table(("group", "way", "median ms", "ratio"), report.rows(measurements))
    console.say(
        f"build all: {len(workshop.catalog.releases)} releases in {build_all['seconds']:.1f} s "
        f"with {jobs} jobs, peak {build_all['peak_mb']:.0f} MB"
    )
    document = report.to_json(chosen.version, measurements, build_all)
    for path in report.write(report_to, document):
        console.say(f"wrote {path}")
    return 0


@bench.command()
@click.argument("releases", nargs=-1, metavar="[RELEASE]...")
@click.option("--repeat", type=click.IntRange(min=7), default=9, show_default=True)
@_report_to
@python_path_option
@common_options
def today(
    releases: tuple[str, ...],
    repeat: int,
    report_to: Path,
    **common: Any,
) -> int:
    """Import and first answer, ours beside stock in its own era. Default: 2.2.1 2.11.2."""
    workshop = open_workshop(take_common(common))
    console = workshop.console
    wanted = workshop.releases(parse_request(releases or ("2.2.1", "2.11.2"), workshop.catalog))
    measurements = []
    with tempfile.TemporaryDirectory(prefix="bench-wheels-") as name:
        options = build_options((), IdentityKind.TEST, None, None, None, Path(name))
        for outcome in build_many(wanted, workshop, options, jobs=1, report=lambda _: None):
            if isinstance(outcome, Failed):
                raise outcome.error
            measurements += bench_today.measure_today(
                outcome.release, outcome.path, workshop, repeat
            )
    found = bench_today.rows(measurements)
    console.table(("what", "stock ms", "ours ms", "ratio"), found)
    report_to.mkdir(parents=True, exist_ok=True)
    path = report_to / "today.json"
    path.write_text(json.dumps(bench_today.to_json(measurements), indent=1) + "\n", "utf-8")
    console.say(f"wrote {path}; the goal is a ratio of {bench_today.GOAL:.2f} at most")
    return 0
