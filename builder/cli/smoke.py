"""The verbs `smoke-lab` and `smoke-notebook`: TensorBoard through Jupyter's one port."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import msgspec
from msgspec.structs import replace

from builder.cli.contexts import make_build_options, make_context, make_sources, require_extra
from builder.cli.options import (
    DOCKERFILES,
    CommonOptions,
    IdentityOptions,
    common_options,
    group_options,
    identity_options,
    python_path_option,
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
from builder.errors import RequestError, SmokeError
from builder.releases.eras import get_era

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from builder.context import RunContext
    from builder.model import Release
    from builder.releases.eras import Era
    from builder.smoke.engines.runners import DeploymentRunner
    from builder.smoke.results.result import DeploymentResult
    from builder.smoke.run import SmokeContext


class _EngineOptions(msgspec.Struct, frozen=True):
    """The options that say where Jupyter runs."""

    engine: str
    base: str | None
    era: bool


_engine_options = group_options(
    "engine_options",
    _EngineOptions,
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
)


class _SuiteOptions(msgspec.Struct, frozen=True):
    """All options of a suite's verb; see the groups."""

    releases: tuple[str, ...]
    series: tuple[str, ...]
    with_package: str | None
    control: bool
    python_paths: tuple[Path, ...]
    engine_options: _EngineOptions
    report_options: ReportOptions
    identity: IdentityOptions
    common: CommonOptions


_suite_options = group_options(
    "options",
    _SuiteOptions,
    click.argument("releases", nargs=-1, metavar="RELEASE..."),
    _engine_options,
    python_path_option,
    control_option,
    report_options,
    click.option(
        "--with",
        "with_package",
        type=click.Choice(["tensorflow"]),
        help="Train with TensorFlow: it is installed first, TensorBoard taken out, ours put in.",
    ),
    series_option,
    identity_options,
    common_options,
)


@click.command("smoke-lab")
@_suite_options
def smoke_lab(options: _SuiteOptions) -> int:
    """JupyterLab, TensorBoard through Jupyter's port only, in a real browser: 2.2.1, all, …."""
    return _run_suite("lab", options)


@click.command("smoke-notebook")
@_suite_options
def smoke_notebook(options: _SuiteOptions) -> int:
    """The same for Notebook 7 and for classic (nbclassic)."""
    return _run_suite("notebook", options)


def _run_suite(suite: str, options: _SuiteOptions) -> int:
    with require_extra("smoke"):
        from builder.smoke.suite import SmokeOptions, smoke_release
    common, engine = options.common, options.engine_options
    context = make_context(offline=common.offline, python_paths=options.python_paths)
    sources = make_sources(common, context, with_commit=True)
    smoke_options = SmokeOptions(
        suite,
        make_build_options(options.series, options.identity),
        options.control,
        tensorflow=options.with_package is not None,
    )
    words = options.releases or (("latest",) if smoke_options.tensorflow else ())
    wanted = sources.releases.find_requested(words)
    if not engine.era:
        wanted = select_smoke_releases(wanted, context.console)
    eras = {release.version: get_era(release) for release in wanted} if engine.era else {}
    with _open_runner(engine, eras, context) as runner:
        smoke = make_smoke_context(context, runner.name, runner.host, options.report_options)

        def run_release(release: Release) -> list[DeploymentResult]:
            release_smoke = smoke
            if engine.era:
                era = eras[release.version]
                release_smoke = _adapt_to_era(smoke, suite, release.version, era)
            return smoke_release(release, smoke_options, runner, release_smoke, sources, context)

        results, broken = run_each_release(wanted, context, run_release)
    reports = options.report_options.directory
    return report_smoke_results(results, reports, context.console, broken)


def _adapt_to_era(smoke: SmokeContext, suite: str, version: str, era: Era) -> SmokeContext:
    """Leave the browser out where the front ends of that era take no commands.

    Raises:
        SmokeError: the suite is `notebook`, whose pages had other addresses in that era.
    """
    from builder.smoke.engines.era_stack import has_commands

    if has_commands(era):
        return smoke
    if suite == "notebook":
        raise SmokeError(
            f"the notebooks of {version}'s time are at addresses that nothing here visits",
            "smoke_lab --era runs the same TensorBoard",
        )
    why = "JupyterLab before 3 takes no commands"
    smoke.report_step(f"{version}: no browser, as {why}")
    return replace(smoke, open_browser=None, no_browser_reason=why)


@contextmanager
def _open_runner(
    options: _EngineOptions, eras: Mapping[str, Era], context: RunContext
) -> Iterator[DeploymentRunner]:
    from builder.smoke.engines import runners
    from builder.smoke.engines.process import open_process_runner

    if options.era and options.engine == "docker":
        raise RequestError("--era runs without a container", "leave --engine docker out")
    note = context.console.print_note
    wanted = "process" if options.era else options.engine
    found, why = runners.choose_engine(wanted, context.env)
    note(f"engine: {'process' if found is None else 'docker'} ({why})")
    if found is None:
        if options.base is not None:
            raise RequestError("--base is for containers, and no engine runs here", "leave it out")
        find_era = eras.__getitem__ if options.era else None
        with open_process_runner(context, find_era=find_era) as runner:
            if runner.isolation.reason:
                note(f"plain loopback: {runner.isolation.reason}")
            yield runner
        return
    with runners.open_docker_runner(
        found, options.base, DOCKERFILES, context.settings.cache, context.uv_env
    ) as docker_runner:
        note(f"base image: {docker_runner.base}")
        yield docker_runner
