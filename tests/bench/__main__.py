"""`nox -s bench`: ratios against what a user would otherwise run."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click

from builder.build.release import FailedRelease, build_releases
from builder.cli import main
from builder.cli.contexts import (
    make_build_options,
    make_context,
    make_sources,
    read_project_defaults,
)
from builder.cli.options import (
    ROOT,
    CommonOptions,
    IdentityOptions,
    common_options,
    python_path_option,
)
from builder.git.checkout import find_tool_commit
from tests.bench import report
from tests.bench import today as bench_today
from tests.bench.wheel import measure_all_releases, measure_wheel

_DOCS = ROOT / "docs" / "bench"
_report_to_option = click.option(
    "--report-to",
    type=click.Path(path_type=Path, file_okay=False),
    default=_DOCS,
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
    common: CommonOptions,
) -> int:
    """Build one release beside the hand recipes and the floor; then build all."""
    context = make_context(offline=common.offline)
    sources = make_sources(common, context)
    console, releases = context.console, sources.releases
    (chosen,) = releases.find_requested([release])
    all_series = sources.load_series(read_project_defaults().series)
    for one in releases.catalog.releases:  # no download while time is measured
        releases.fetch_stock_wheel(one)
    stock = releases.fetch_stock_wheel(chosen).content
    measurements = measure_wheel(chosen, stock, all_series, common.patches, context.env, repeat)
    build_all = measure_all_releases(common.patches, context.env, jobs)
    documented = json.loads((_DOCS / "wheel.json").read_text(encoding="utf-8"))
    console.print_table(
        ("group", "way", "median ms", "ratio", "in docs"),
        report.to_wheel_rows(measurements, documented),
    )
    console.print_result(
        f"build all: {len(releases.catalog.releases)} releases in {build_all['seconds']:.1f} s "
        f"with {jobs} jobs, peak {build_all['peak_mb']:.0f} MB"
    )
    commit = find_tool_commit(ROOT)
    document = report.to_wheel_json(chosen.version, commit, measurements, build_all)
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
    common: CommonOptions,
    python_paths: tuple[Path, ...],
) -> int:
    """Import and first answer, ours beside stock in its own era. Default: 2.2.1 2.11.2."""
    context = make_context(offline=common.offline, python_paths=python_paths)
    sources = make_sources(common, context)
    console = context.console
    wanted = sources.releases.find_requested(releases or ("2.2.1", "2.11.2"))
    measurements = []
    with tempfile.TemporaryDirectory(prefix="bench-wheels-") as name:
        options = make_build_options((), IdentityOptions(output=Path(name)))
        for outcome in build_releases(
            wanted, options, sources, context, jobs=1, report=lambda _: None
        ):
            if isinstance(outcome, FailedRelease):
                raise outcome.error
            stock = sources.releases.fetch_stock_wheel(outcome.release).content
            measurements += bench_today.measure_today(
                outcome.release, outcome.path, stock, context, repeat
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


if __name__ == "__main__":
    main(command=bench, program="python -m tests.bench")
