"""`smoke-lab`, `smoke-notebook`: Jupyter in a container, TensorBoard through its port only."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
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
from builder.era import era_of
from builder.errors import BuilderError, RequestError, SmokeError
from builder.request import parse_request
from builder.smoke.model import Outcome
from builder.smoke.result import Result, failures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from builder.console import Console
    from builder.era import Era
    from builder.pipeline.smoke import SmokeOptions
    from builder.pipeline.workshop import Workshop
    from builder.smoke.browser.chromium import Browser
    from builder.smoke.engines import Runner
    from builder.smoke.model import ProbeResult
    from builder.smoke.walk import Walk

_MARKS = {Outcome.PASSED: "ok", Outcome.FAILED: "FAILED", Outcome.SKIPPED: "skipped"}
REPORTS = click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Where results, pictures and logs go.",
)
NO_BROWSER = click.option("--no-browser", is_flag=True, help="Leave the browser's probes out.")
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
    click.option("--control/--no-control", help="Also run it where it must fail."),
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
    catalog: Path,
    patches: Path,
    offline: bool,
    **chosen: Any,
) -> int:
    with needs_extra("smoke"):
        from builder.pipeline.smoke import smoke_release
        from builder.smoke.walk import Walk
    workshop = open_workshop(Common(catalog, patches, offline), commit=True)
    options = _options(suite, **chosen)
    wanted = workshop.releases(parse_request(releases, workshop.catalog))
    reports: Path = chosen["reports"]
    era: bool = chosen["era"]
    broken = 0
    results: list[Result] = []
    with _runner(workshop, **chosen) as runner:
        how = Walk(
            engine=runner.name,
            browsing=None if chosen["no_browser"] else browsing_for(workshop, runner.host),
            reports=reports,
            report=reporter(workshop.console),
            check_cancelled=workshop.check_cancelled,
            tell=workshop.console.note,
        )
        for release in wanted:
            try:
                this = _of_its_time(how, suite, release.version, workshop) if era else how
                results += smoke_release(release, workshop, options, runner, this)
            except BuilderError as error:
                if len(wanted) == 1 or workshop.cancelled.is_set():
                    raise
                workshop.console.error(f"{release.version}: {error.message}", error.hint)
                broken += 1
    return judge(results, reports, workshop.console, broken)


def _of_its_time(how: Walk, suite: str, version: str, workshop: Workshop) -> Walk:
    """Without the browser, where the front ends of that time take no commands."""
    from builder.smoke.vintage import has_commands

    if has_commands(workshop.era(version)):
        return how
    if suite == "notebook":
        raise SmokeError(
            f"the notebooks of {version}'s time are at addresses that nothing here visits",
            "smoke_lab --era runs the same TensorBoard",
        )
    workshop.console.note(f"{version}: no browser, as JupyterLab before 3 takes no commands")
    return replace(how, browsing=None)


def _options(
    suite: str, series: tuple[str, ...], control: bool, beside: str | None, **chosen: Any
) -> SmokeOptions:
    from builder.pipeline.smoke import SmokeOptions

    names = ("identity", "name", "local_label", "build_tag", "output")
    build = build_options(series, **{name: chosen[name] for name in names})
    return SmokeOptions(suite, build, control, tensorflow=beside is not None)


@contextmanager
def _runner(
    workshop: Workshop, engine: str, base: str | None, era: bool, **chosen: Any
) -> Iterator[Runner]:
    from builder.smoke import engines
    from builder.smoke.process import process_runner

    del chosen
    if era and engine == "docker":
        raise RequestError("--era runs without a container", "leave --engine docker out")
    console, environment = workshop.console, workshop.environment
    found, why = engines.choose("process" if era else engine, workshop.environ)
    console.note(f"engine: {'process' if found is None else 'docker'} ({why})")
    if found is None:
        if base is not None:
            raise RequestError("--base is for containers, and no engine runs here", "leave it out")
        eras = _eras(workshop) if era else None
        with process_runner(environment, workshop.environ, eras=eras) as beside_us:
            if beside_us.separation.reason:
                console.note(f"plain loopback: {beside_us.separation.reason}")
            yield beside_us
        return
    with engines.docker_runner(
        found, base, DOCKERFILES, environment.cache, workshop.environ
    ) as in_containers:
        console.note(f"base image: {in_containers.base}")
        yield in_containers


def _eras(workshop: Workshop) -> Callable[[str], Era]:
    """The era of a release of this run."""

    def find(version: str) -> Era:
        (release,) = workshop.releases(parse_request((version,), workshop.catalog))
        return era_of(release)

    return find


def browsing_for(workshop: Workshop, host: str) -> Callable[[], AbstractContextManager[Browser]]:
    """Opens a browser for which no other host exists; tried at once, before anything is started.

    Raises:
        SmokeError: there is none, or it does not start.
    """
    from builder.smoke.browser.chromium import browsing

    def opened() -> AbstractContextManager[Browser]:
        return browsing(workshop.environ, {host})

    with opened():
        return opened


def reporter(console: Console) -> Callable[[str, ProbeResult], None]:
    """Says each result in a line of its own, as it comes."""

    def report(deployment: str, result: ProbeResult) -> None:
        console.say(
            f"{deployment:<15} {_MARKS[result.outcome]:<7} {result.seconds:6.2f} s  "
            f"{result.name:<24} {result.detail}".rstrip()
        )

    return report


def judge(results: Sequence[Result], reports: Path, console: Console, broken: int = 0) -> int:
    """Show the table of a run and what failed; the exit code.

    Raises:
        SmokeError: something failed.
    """
    rows = []
    for result in results:
        count = {o: sum(p.outcome is o for p in result.probes) for o in Outcome}
        rows.append(
            (
                result.release,
                result.deployment,
                _MARKS[result.outcome],
                str(count[Outcome.PASSED]),
                str(count[Outcome.FAILED]),
                str(count[Outcome.SKIPPED]),
                f"{result.seconds:.1f}",
                ", ".join(result.pictures),
            )
        )
    columns = ("release", "deployment", "outcome", "passed", "failed", "skipped", "s", "pictures")
    console.table(columns, rows)
    wrong = failures(results)
    if wrong or broken:
        shown = "; ".join(wrong[:3]) + (f"; and {len(wrong) - 3} more" if len(wrong) > 3 else "")
        raise SmokeError(
            shown or f"{broken} releases could not be run",
            f"{reports}/<release>/<deployment>/ has the log, the picture and the browser's trace",
        )
    console.say(f"results, pictures and logs are in {reports}/")
    return 0
