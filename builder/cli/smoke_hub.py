"""`smoke-hub`: a real JupyterHub, its users, and nobody who sees another's TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.cli.options import (
    DOCKERFILES,
    Common,
    build_options,
    common_options,
    identity_options,
    needs_extra,
    open_workshop,
    series_option,
    together,
)
from builder.cli.smoke import NO_BROWSER, REPORTS, browsing_for, judge, reporter
from builder.console import Console
from builder.errors import BuilderError, EngineError, RequestError
from builder.request import parse_request

if TYPE_CHECKING:
    from builder.engine.door import Engine
    from builder.pipeline.smoke import SmokeOptions
    from builder.pipeline.workshop import Workshop
    from builder.smoke.engines import DockerRunner
    from builder.smoke.result import Result
    from builder.smoke.walk import Walk

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
    click.option("--control/--no-control", help="Also run it where it must fail."),
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
        from builder.smoke import engines, walk
    workshop = open_workshop(Common(catalog, patches, chosen["offline"]), commit=True)
    names = _configurations(chosen["only"])
    results: list[Result] = []
    with engines.docker_runner(
        _engine(workshop),
        chosen["base"],
        DOCKERFILES,
        workshop.environment.cache,
        workshop.environ,
    ) as runner:
        workshop.console.note(f"base image: {runner.base}")
        how = walk.Walk(
            engine=runner.name,
            browsing=None if chosen["no_browser"] else browsing_for(workshop, runner.host),
            reports=reports,
            report=reporter(workshop.console),
            check_cancelled=workshop.check_cancelled,
            tell=workshop.console.note,
        )
        broken = _run(releases, workshop, runner, how, names, results, chosen)
    return judge(results, reports, workshop.console, broken)


def _run(
    releases: tuple[str, ...],
    workshop: Workshop,
    runner: DockerRunner,
    how: Walk,
    names: tuple[str, ...],
    results: list[Result],
    chosen: dict[str, Any],
) -> int:
    """Add each release's results; how many releases could not be run."""
    from builder.pipeline.hub import HubOptions, smoke_hub_release

    wanted = workshop.releases(parse_request(releases, workshop.catalog))
    hub = HubOptions(names, chosen["users"], chosen["socket"])
    broken = 0
    for release in wanted:
        try:
            results += smoke_hub_release(release, workshop, _options(chosen), hub, runner, how)
        except BuilderError as error:
            if len(wanted) == 1 or workshop.cancelled.is_set():
                raise
            workshop.console.error(f"{release.version}: {error.message}", error.hint)
            broken += 1
    return broken


def _options(chosen: dict[str, Any]) -> SmokeOptions:
    from builder.pipeline.smoke import SmokeOptions

    names = ("identity", "name", "local_label", "build_tag", "output")
    build = build_options(chosen["series"], **{name: chosen[name] for name in names})
    return SmokeOptions("hub", build, chosen["control"], tensorflow=False)


def _engine(workshop: Workshop) -> Engine:
    """The engine: the Hub is run in containers alone, as two of its configurations need them.

    Raises:
        EngineError: none answers.
    """
    from builder.engine.door import connect

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
    """
    from builder.smoke.hub.page import render
    from builder.smoke.result import read

    text = render(read(reports))
    half = page.with_name(f".{page.name}.part")
    half.write_text(text, encoding="utf-8")
    half.replace(page)
    Console().say(f"{page} written")
    return 0
