"""`bench`: ratios against what a user would otherwise run."""

from __future__ import annotations

from pathlib import Path

import click

from builder.bench import report
from builder.bench.wheel import measure_all, measure_wheel
from builder.cli.options import ROOT, Common, common_options, open_workshop, project
from builder.request import parse_request


@click.group()
def bench() -> None:
    """Measure ratios against what a user would otherwise run, side by side in one run."""


@bench.command()
@click.argument("release", default="2.2.1")
@click.option("--repeat", type=click.IntRange(min=3), default=9, show_default=True)
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True)
@click.option(
    "--report-to",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT / "docs" / "bench",
    help="Where JSON and plot go; default: docs/bench.",
)
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
