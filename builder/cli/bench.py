"""`bench`: ratios against what a user would otherwise run."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from builder.bench import report
from builder.bench import today as bench_today
from builder.bench.wheel import measure_all_releases, measure_wheel
from builder.build.release import FailedRelease, build_releases
from builder.cli.options import (
    ROOT,
    CommonOptions,
    common_options,
    make_build_options,
    open_workshop,
    python_path_option,
    read_project_defaults,
    take_common_options,
)
from builder.model import IdentityKind
from builder.releases.request import parse_release_request

_report_to_option = click.option(
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
@_report_to_option
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
    workshop = open_workshop(CommonOptions(catalog, patches, offline))
    console = workshop.console
    (chosen,) = workshop.releases(parse_release_request([release], workshop.catalog))
    all_series = workshop.series(read_project_defaults().series)
    for one in workshop.catalog.releases:
        workshop.stock(one)
    measurements = measure_wheel(chosen, workshop, all_series, repeat)
    build_all = measure_all_releases(workshop, jobs)
    console.print_table(("group", "way", "median ms", "ratio"), report.to_wheel_rows(measurements))
    console.print_result(
        f"build all: {len(workshop.catalog.releases)} releases in {build_all['seconds']:.1f} s "
        f"with {jobs} jobs, peak {build_all['peak_mb']:.0f} MB"
    )
    document = report.to_wheel_json(chosen.version, measurements, build_all)
    for path in report.write_wheel_report(report_to, document):
        console.print_result(f"wrote {path}")
    return 0


@bench.command()
@click.argument("releases", nargs=-1, metavar="[RELEASE]...")
@click.option("--repeat", type=click.IntRange(min=7), default=9, show_default=True)
@_report_to_option
@python_path_option
@common_options
def today(
    releases: tuple[str, ...],
    repeat: int,
    report_to: Path,
    **common: Any,
) -> int:
    """Import and first answer, ours beside stock in its own era. Default: 2.2.1 2.11.2."""
    workshop = open_workshop(take_common_options(common))
    console = workshop.console
    wanted = workshop.releases(
        parse_release_request(releases or ("2.2.1", "2.11.2"), workshop.catalog)
    )
    measurements = []
    with tempfile.TemporaryDirectory(prefix="bench-wheels-") as name:
        options = make_build_options((), IdentityKind.TEST, None, None, None, Path(name))
        for outcome in build_releases(wanted, workshop, options, jobs=1, report=lambda _: None):
            if isinstance(outcome, FailedRelease):
                raise outcome.error
            measurements += bench_today.measure_today(
                outcome.release, outcome.path, workshop, repeat
            )
    found = bench_today.to_today_rows(measurements)
    console.print_table(("what", "stock ms", "ours ms", "ratio"), found)
    report_to.mkdir(parents=True, exist_ok=True)
    path = report_to / "today.json"
    path.write_text(json.dumps(bench_today.to_today_json(measurements), indent=1) + "\n", "utf-8")
    console.print_result(
        f"wrote {path}; the goal is a ratio of {bench_today.RATIO_GOAL:.2f} at most"
    )
    return 0
