"""`smoke-lab`, `smoke-notebook`: Jupyter in a container, TensorBoard through its port only."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from builder.cli.options import (
    DOCKERFILES,
    combine_decorators,
    common_options,
    identity_options,
    open_workshop,
    python_path_option,
    require_extra,
    series_option,
    take_common_options,
)
from builder.cli.smoke_common import (
    control_option,
    make_smoke_context,
    make_smoke_options,
    no_browser_option,
    report_smoke_results,
    reports_option,
    run_each_release,
    select_startable_releases,
)
from builder.errors import RequestError, SmokeError
from builder.releases.eras import get_era
from builder.releases.request import parse_release_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builder.context import Workshop
    from builder.model import Release
    from builder.releases.eras import Era
    from builder.smoke.engines.runners import DeploymentRunner
    from builder.smoke.results.result import DeploymentResult
    from builder.smoke.run import SmokeContext

_engine_options = combine_decorators(
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
    control_option,
    no_browser_option,
    reports_option,
)
_suite_options = combine_decorators(
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
    return _run_suite("lab", **given)


@click.command("smoke-notebook")
@_suite_options
def smoke_notebook(**given: Any) -> int:
    """The same for Notebook 7 and for classic (nbclassic)."""
    return _run_suite("notebook", **given)


def _run_suite(
    suite: str,
    releases: tuple[str, ...],
    **chosen: Any,
) -> int:
    with require_extra("smoke"):
        from builder.smoke.suite import smoke_release
    workshop = open_workshop(take_common_options(chosen), commit=True)
    options = make_smoke_options(suite, chosen, tensorflow=chosen["beside"] is not None)
    reports, era = chosen["reports"], chosen["era"]
    if options.tensorflow and not releases:
        releases = ("latest",)
    wanted = workshop.releases(parse_release_request(releases, workshop.catalog))
    if not era:
        wanted = select_startable_releases(wanted, workshop)
    with _open_runner(workshop, **chosen) as runner:
        context = make_smoke_context(
            workshop, runner.name, runner.host, reports=reports, no_browser=chosen["no_browser"]
        )

        def run_release(release: Release) -> list[DeploymentResult]:
            this = _adapt_to_era(context, suite, release.version, workshop) if era else context
            return smoke_release(release, workshop, options, runner, this)

        results, broken = run_each_release(wanted, workshop, run_release)
    return report_smoke_results(results, reports, workshop.console, broken)


def _adapt_to_era(
    context: SmokeContext, suite: str, version: str, workshop: Workshop
) -> SmokeContext:
    """Without the browser, where the front ends of that time take no commands."""
    from builder.smoke.engines.era_stack import has_commands

    if has_commands(workshop.era(version)):
        return context
    if suite == "notebook":
        raise SmokeError(
            f"the notebooks of {version}'s time are at addresses that nothing here visits",
            "smoke_lab --era runs the same TensorBoard",
        )
    why = "JupyterLab before 3 takes no commands"
    workshop.console.print_note(f"{version}: no browser, as {why}")
    return replace(context, open_browser=None, no_browser_reason=why)


@contextmanager
def _open_runner(
    workshop: Workshop, engine: str, base: str | None, era: bool, **chosen: Any
) -> Iterator[DeploymentRunner]:
    from builder.smoke.engines import runners
    from builder.smoke.engines.process import open_process_runner

    del chosen
    if era and engine == "docker":
        raise RequestError("--era runs without a container", "leave --engine docker out")
    console, settings = workshop.console, workshop.environment
    found, why = runners.choose_engine("process" if era else engine, workshop.environ)
    console.print_note(f"engine: {'process' if found is None else 'docker'} ({why})")
    if found is None:
        if base is not None:
            raise RequestError("--base is for containers, and no engine runs here", "leave it out")
        eras = _make_era_finder(workshop) if era else None
        with open_process_runner(
            settings, workshop.environ, workshop.pythons, eras=eras
        ) as beside_us:
            if beside_us.isolation.reason:
                console.print_note(f"plain loopback: {beside_us.isolation.reason}")
            yield beside_us
        return
    with runners.open_docker_runner(
        found, base, DOCKERFILES, settings.cache, workshop.uv_environ
    ) as in_containers:
        console.print_note(f"base image: {in_containers.base}")
        yield in_containers


def _make_era_finder(workshop: Workshop) -> Callable[[str], Era]:
    """The era of a release of this run."""

    def find_era(version: str) -> Era:
        (release,) = workshop.releases(parse_release_request((version,), workshop.catalog))
        return get_era(release)

    return find_era
