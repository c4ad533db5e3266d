"""`smoke-hub`: a real JupyterHub, its users, and nobody who sees another's TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.cli.options import (
    DOCKERFILES,
    Common,
    common_options,
    identity_options,
    needs_extra,
    open_workshop,
    series_option,
    together,
)
from builder.cli.smoking import (
    CONTROL,
    NO_BROWSER,
    REPORTS,
    judge,
    options_of,
    run_each,
    that_start,
    walk_for,
)
from builder.errors import EngineError, RequestError
from builder.releases.request import parse_request
from builder.system.console import Console
from builder.system.files import place_beside

if TYPE_CHECKING:
    from builder.containers.door import Engine
    from builder.context import Workshop
    from builder.model import Release
    from builder.smoke.results.result import Result

_hub_options = together(
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
    CONTROL,
    NO_BROWSER,
    REPORTS,
)


@click.command("smoke-hub")
@click.argument("releases", nargs=-1, metavar="RELEASE...|table")
@_hub_options
@series_option
@identity_options
@common_options
def smoke_hub(
    releases: tuple[str, ...],
    page: Path,
    reports: Path,
    catalog: Path,
    patches: Path,
    **chosen: Any,
) -> int:
    """JupyterHub in both configurations, isolation, load: 2.2.1, …; `table` writes the docs."""
    if releases == ("table",):
        return _write_page(reports, page)
    with needs_extra("smoke"):
        from builder.smoke.engines import runners
        from builder.smoke.hub_suite import HubOptions, smoke_hub_release
    workshop = open_workshop(Common(catalog, patches, chosen["offline"]), commit=True)
    hub = HubOptions(_configurations(chosen["only"]), chosen["users"], chosen["socket"])
    options = options_of("hub", chosen)
    wanted = workshop.releases(parse_request(releases, workshop.catalog))
    wanted = that_start(wanted, workshop)
    with runners.docker_runner(
        _engine(workshop),
        chosen["base"],
        DOCKERFILES,
        workshop.environment.cache,
        workshop.uv_environ,
    ) as runner:
        workshop.console.note(f"base image: {runner.base}")
        how = walk_for(
            workshop, runner.name, runner.host, reports=reports, no_browser=chosen["no_browser"]
        )

        def go(release: Release) -> list[Result]:
            return smoke_hub_release(release, workshop, options, hub, runner, how)

        results, broken = run_each(wanted, workshop, go)
    return judge(results, reports, workshop.console, broken)


def _engine(workshop: Workshop) -> Engine:
    """The engine: the Hub is run in containers alone, as two of its configurations need them.

    Raises:
        EngineError: none answers.
    """
    from builder.containers.door import connect

    try:
        return connect(workshop.environ)
    except EngineError as error:
        raise EngineError(error.message, "start Docker: the Hub is run in containers") from error


def _configurations(only: tuple[str, ...]) -> tuple[str, ...]:
    from builder.smoke.hub.configurations import CONFIGURATIONS

    known = [configuration.name for configuration in CONFIGURATIONS]
    wrong = [name for name in only if name not in known]
    if wrong:
        raise RequestError(f"there is no configuration {wrong[0]!r}", f"one of {', '.join(known)}")
    return only


def _write_page(reports: Path, page: Path) -> int:
    """Write the docs from the results of a run.

    Raises:
        RequestError: there is no run of the Hub, or not all of it.
        OutputError: a result cannot be read, or the page cannot be written.
    """
    from builder.reports.hub_page import render
    from builder.smoke.results.result import read

    place_beside(page, render(read(reports)).encode(), "--page")
    Console().say(f"{page} written")
    return 0
