"""`nox -s bench`: how long builds, and what was built, take beside something else."""

from __future__ import annotations

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
    Decorator,
    IdentityOptions,
    common_options,
    python_path_option,
)
from builder.errors import RequestError
from builder.git.checkout import find_tool_commit
from tests.bench import report
from tests.bench import today as bench_today
from tests.bench.wheel import measure_all_releases, measure_wheel

_DOCS = ROOT / "docs" / "bench"
_update_docs_option = click.option(
    "--update-docs", is_flag=True, help="Write the figures into docs/bench, too."
)


def _make_repeat_option(minimum: int) -> Decorator:
    return click.option(
        "--repeat",
        type=click.IntRange(min=minimum),
        default=9,
        show_default=True,
        help="How many turns; the median counts.",
    )


@click.group()
def bench() -> None:
    """Measure how long builds and wheels of ours take, beside others, in turns."""


@bench.command()
@click.argument("release", default="2.2.1")
@_make_repeat_option(3)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="How many releases at a time, when all are built.",
)
@_update_docs_option
@common_options
def wheel(release: str, repeat: int, jobs: int, update_docs: bool, common: CommonOptions) -> int:
    """Measure the build of a release beside hand recipes, and our start. Default: 2.2.1."""
    context = make_context(offline=common.offline)
    sources = make_sources(common, context)
    console, releases = context.console, sources.releases
    chosen, *others = releases.find_requested([release])
    if others:
        raise RequestError(
            f"{release!r} stands for {1 + len(others)} releases, and one is measured",
            "name one release, such as 2.2.1",
        )
    all_series = sources.load_series(read_project_defaults().series)
    documented = report.read_wheel_json(_DOCS)
    for one in releases.catalog.releases:  # no download while time is measured
        releases.fetch_stock_wheel(one)
    stock = releases.fetch_stock_wheel(chosen).content
    measurements = measure_wheel(chosen, stock, all_series, common.patches, context.env, repeat)
    build_all = measure_all_releases(common.patches, context.env, jobs)
    console.print_table(
        ("group", "way", "median ms", "ratio", "ratio in docs"),
        report.to_wheel_rows(chosen.version, measurements, documented),
    )
    console.print_result(
        f"build all: {build_all['releases']} releases in {build_all['seconds']:.1f} s "
        f"with {jobs} jobs, peak {build_all['peak_mb']:.0f} MB"
    )
    if update_docs:
        commit = find_tool_commit(ROOT)
        document = report.to_wheel_json(chosen.version, commit, measurements, build_all)
        for path in report.write_wheel_report(_DOCS, document):
            console.print_result(f"wrote {path}")
    return 0


@bench.command()
@click.argument("releases", nargs=-1, metavar="[RELEASE]...")
@_make_repeat_option(7)
@_update_docs_option
@python_path_option
@common_options
def today(
    releases: tuple[str, ...],
    repeat: int,
    update_docs: bool,
    common: CommonOptions,
    python_paths: tuple[Path, ...],
) -> int:
    """Measure import and first answer of ours beside stock, in its era. Default: 2.2.1 2.11.2."""
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
    console.print_result(f"the goal is a ratio of {bench_today.RATIO_GOAL:.2f} at most")
    if update_docs:
        path = report.write_json(_DOCS / "today.json", bench_today.to_today_json(measurements))
        console.print_result(f"wrote {path}")
    return 0


if __name__ == "__main__":
    main(command=bench, program="python -m tests.bench")
