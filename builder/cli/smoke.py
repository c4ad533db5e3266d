"""`smoke-lab`, `smoke-notebook`: Jupyter in a container, TensorBoard through its port only."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from builder.cli.options import (
    DOCKERFILES,
    common_options,
    identity_options,
    needs_extra,
    open_workshop,
    python_path_option,
    series_option,
    take_common,
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
from builder.errors import RequestError, SmokeError
from builder.releases.eras import era_of
from builder.releases.request import parse_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builder.context import Workshop
    from builder.model import Release
    from builder.releases.eras import Era
    from builder.smoke.engines.runners import Runner
    from builder.smoke.results.result import Result
    from builder.smoke.run import Walk

_engine_options = together(
    click.option(
        "--engine",
        type=click.Choice(["auto", "docker", "process"]),
        default="auto",
        show_default=True,
        help="docker: a container. process: an environment on this machine. auto: what there is.",
    ),
    click.option(
        "--base", metavar="IMAGE", help="Base image; default: base_image's, or Jupyter's."
    ),
    click.option("--era", is_flag=True, help="Dependencies of the release's own date (process)."),
    python_path_option,
    CONTROL,
    NO_BROWSER,
    REPORTS,
)
_suite_options = together(
    click.argument("releases", nargs=-1, metavar="RELEASE..."),
    _engine_options,
    click.option(
        "--with",
        "beside",
        type=click.Choice(["tensorflow"]),
        help="Train with TensorFlow: it is installed first, TensorBoard taken out, ours put in.",
    ),
    series_option,
    identity_options,
    common_options,
)


@click.command("smoke-lab")
@_suite_options
def smoke_lab(**given: Any) -> int:
    """JupyterLab, TensorBoard through Jupyter's port only, in a real browser: 2.2.1, all, …."""
    return _suite("lab", **given)


@click.command("smoke-notebook")
@_suite_options
def smoke_notebook(**given: Any) -> int:
    """The same for Notebook 7 and for classic (nbclassic)."""
    return _suite("notebook", **given)


def _suite(
    suite: str,
    releases: tuple[str, ...],
    **chosen: Any,
) -> int:
    with needs_extra("smoke"):
        from builder.smoke.suite import smoke_release
    workshop = open_workshop(take_common(chosen), commit=True)
    options = options_of(suite, chosen, tensorflow=chosen["beside"] is not None)
    reports, era = chosen["reports"], chosen["era"]
    if options.tensorflow and not releases:
        releases = ("latest",)
    wanted = workshop.releases(parse_request(releases, workshop.catalog))
    if not era:
        wanted = that_start(wanted, workshop)
    with _runner(workshop, **chosen) as runner:
        how = walk_for(
            workshop, runner.name, runner.host, reports=reports, no_browser=chosen["no_browser"]
        )

        def go(release: Release) -> list[Result]:
            this = _of_its_time(how, suite, release.version, workshop) if era else how
            return smoke_release(release, workshop, options, runner, this)

        results, broken = run_each(wanted, workshop, go)
    return judge(results, reports, workshop.console, broken)


def _of_its_time(how: Walk, suite: str, version: str, workshop: Workshop) -> Walk:
    """Without the browser, where the front ends of that time take no commands."""
    from builder.smoke.engines.vintage import has_commands

    if has_commands(workshop.era(version)):
        return how
    if suite == "notebook":
        raise SmokeError(
            f"the notebooks of {version}'s time are at addresses that nothing here visits",
            "smoke_lab --era runs the same TensorBoard",
        )
    why = "JupyterLab before 3 takes no commands"
    workshop.console.note(f"{version}: no browser, as {why}")
    return replace(how, browsing=None, unseen=why)


@contextmanager
def _runner(
    workshop: Workshop, engine: str, base: str | None, era: bool, **chosen: Any
) -> Iterator[Runner]:
    from builder.smoke.engines import runners
    from builder.smoke.engines.process import process_runner

    del chosen
    if era and engine == "docker":
        raise RequestError("--era runs without a container", "leave --engine docker out")
    console, environment = workshop.console, workshop.environment
    found, why = runners.choose("process" if era else engine, workshop.environ)
    console.note(f"engine: {'process' if found is None else 'docker'} ({why})")
    if found is None:
        if base is not None:
            raise RequestError("--base is for containers, and no engine runs here", "leave it out")
        eras = _eras(workshop) if era else None
        with process_runner(
            environment, workshop.environ, workshop.pythons, eras=eras
        ) as beside_us:
            if beside_us.separation.reason:
                console.note(f"plain loopback: {beside_us.separation.reason}")
            yield beside_us
        return
    with runners.docker_runner(
        found, base, DOCKERFILES, environment.cache, workshop.uv_environ
    ) as in_containers:
        console.note(f"base image: {in_containers.base}")
        yield in_containers


def _eras(workshop: Workshop) -> Callable[[str], Era]:
    """The era of a release of this run."""

    def find(version: str) -> Era:
        (release,) = workshop.releases(parse_request((version,), workshop.catalog))
        return era_of(release)

    return find
