"""The verb `smoke-hub`: a real JupyterHub, its users, and their isolation from each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.contexts import make_build_options, make_context, make_sources, require_extra
from builder.cli.options import (
    DOCKERFILES,
    CommonOptions,
    IdentityOptions,
    combine_decorators,
    common_options,
    identity_options,
    series_option,
)
from builder.cli.smoke_common import (
    ReportOptions,
    control_option,
    make_smoke_context,
    report_options,
    report_smoke_results,
    run_each_release,
    select_smoke_releases,
)
from builder.errors import EngineError, RequestError
from builder.smoke.results.result import read_results
from builder.system.console import Console
from builder.system.files import write_output_file

if TYPE_CHECKING:
    from builder.containers.docker_engine import ContainerEngine
    from builder.context import RunContext
    from builder.model import Release
    from builder.smoke.results.result import DeploymentResult

_hub_options = combine_decorators(
    click.option("--only", multiple=True, metavar="NAME", help="These configurations only: hub, …"),
    click.option(
        "--users",
        type=click.IntRange(min=2),
        default=10,
        show_default=True,
        help="How many at once.",
    ),
    click.option("--base", metavar="IMAGE", help="Base image; default: base_image's."),
    click.option(
        "--socket",
        default="/var/run/docker.sock",
        show_default=True,
        help="The engine's socket, on the engine's host, for the Hub with a container per user.",
    ),
    click.option(
        "--page",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("docs/smoke-hub.md"),
        show_default=True,
        help="What `table` writes.",
    ),
    control_option,
    report_options,
)


@click.command("smoke-hub")
@click.argument("releases", nargs=-1, metavar="RELEASE...|table")
@_hub_options
@series_option
@identity_options
@common_options
def smoke_hub(
    releases: tuple[str, ...],
    series: tuple[str, ...],
    only: tuple[str, ...],
    users: int,
    base: str | None,
    socket: str,
    page: Path,
    control: bool,
    report_options: ReportOptions,
    identity: IdentityOptions,
    common: CommonOptions,
) -> int:
    """JupyterHub as documented, isolation, load: 2.2.1, …; `table` writes the docs."""
    reports = report_options.directory
    if releases == ("table",):
        return _write_page(reports, page)
    with require_extra("smoke"):
        from builder.smoke.engines import runners
        from builder.smoke.hub_suite import HubOptions, smoke_hub_release
        from builder.smoke.suite import SmokeOptions
    context = make_context(offline=common.offline)
    sources = make_sources(common, context, with_commit=True)
    hub = HubOptions(_check_configurations(only), users, socket)
    build = make_build_options(series, identity)
    options = SmokeOptions("hub", build, control, tensorflow=False)
    wanted = sources.releases.find_requested(releases)
    wanted = select_smoke_releases(wanted, context.console)
    with runners.open_docker_runner(
        _connect_engine(context), base, DOCKERFILES, context.settings.cache, context.uv_env
    ) as runner:
        context.console.print_note(f"base image: {runner.base}")
        smoke = make_smoke_context(context, runner.name, runner.host, report_options)

        def run_release(release: Release) -> list[DeploymentResult]:
            return smoke_hub_release(release, options, hub, runner, smoke, sources, context)

        results, broken = run_each_release(wanted, context, run_release)
    return report_smoke_results(results, reports, context.console, broken)


def _connect_engine(context: RunContext) -> ContainerEngine:
    """Connect to the container engine.

    The Hub is run in containers only, as two of its configurations need them.

    Raises:
        EngineError: none answers.
    """
    from builder.containers.docker_engine import connect_engine

    try:
        return connect_engine(context.env)
    except EngineError as error:
        raise EngineError(error.message, "start Docker: the Hub is run in containers") from error


def _check_configurations(only: tuple[str, ...]) -> tuple[str, ...]:
    from builder.smoke.hub.configurations import HUB_CONFIGURATIONS

    known = [configuration.name for configuration in HUB_CONFIGURATIONS]
    wrong = [name for name in only if name not in known]
    if wrong:
        raise RequestError(f"there is no configuration {wrong[0]!r}", f"one of {', '.join(known)}")
    return only


def _write_page(reports: Path, page: Path) -> int:
    """Write the docs page from the results of earlier runs.

    Raises:
        RequestError: there is no run of the Hub, or an incomplete one.
        OutputError: a result cannot be read, or the page cannot be written.
    """
    from builder.reports.hub_page import render_hub_page

    results = (stored.result for stored in read_results(reports))
    write_output_file(page, render_hub_page(results).encode(), "--page")
    Console().print_result(f"{page} written")
    return 0
