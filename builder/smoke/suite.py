"""Smoke-test a release: find or build the wheel, run its deployments and their controls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from builder.build.existing_wheel import find_or_build_wheel
from builder.build.release import build_release
from builder.smoke.deployments import DEPLOYMENT_SUITES, UNPATCHED_CONTROLS, UNSET_CONTROLS
from builder.smoke.model import WheelUnderTest
from builder.smoke.run import run_deployment
from builder.smoke.schedule import DeploymentSchedule
from builder.system.files import make_temporary_directory
from builder.system.waiting import collect_results
from builder.wheel.names import parse_wheel_filename

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from builder.build.release import BuildOptions
    from builder.context import RunContext
    from builder.model import Release
    from builder.smoke.engines.runners import DeploymentRunner
    from builder.smoke.model import Deployment, JupyterSite
    from builder.smoke.results.result import DeploymentResult
    from builder.smoke.run import SmokeContext
    from builder.verify.sources import WheelSources

    _Start = Callable[[Deployment], AbstractContextManager[JupyterSite]]

_PROXY = "proxy"
_AT_ONCE = 3  # deployments; each is a Jupyter, its kernels and a browser


class SmokeOptions(msgspec.Struct, frozen=True):
    """Options of a smoke test.

    Attributes:
        suite: a key of `DEPLOYMENT_SUITES`.
        build: the wheel's output directory, and how to build the wheel if it is not there.
        control: also run the negative controls.
        tensorflow: train with TensorFlow, installed first.
    """

    suite: str
    build: BuildOptions
    control: bool
    tensorflow: bool


def smoke_release(
    release: Release,
    options: SmokeOptions,
    runner: DeploymentRunner,
    smoke: SmokeContext,
    sources: WheelSources,
    context: RunContext,
) -> list[DeploymentResult]:
    """Run the suite on one release; one result for each deployment, in the suite's order.

    Raises:
        BuilderError: the wheel cannot be built or installed, so there is nothing to run.
    """
    wheel = get_wheel_under_test(release, options, sources, context)
    with make_temporary_directory("tensorboard-wheels-smoke-") as workdir:
        wanted = [(deployment, wheel) for deployment in DEPLOYMENT_SUITES[options.suite]]
        if options.control:
            frontend = wanted[0][0].frontend
            wanted.append((UNSET_CONTROLS[frontend], wheel))
            unpatched = build_unpatched_wheel(release, options, sources, context, workdir)
            if unpatched is not None:
                wanted.append((UNPATCHED_CONTROLS[frontend], unpatched))
        starts = _prepare_wheels([each_wheel for _, each_wheel in wanted], runner, smoke)
        jobs = [
            (_name_deployment(deployment, each_wheel), each_wheel, starts[each_wheel])
            for deployment, each_wheel in wanted
        ]
        schedule = DeploymentSchedule(len(jobs), _AT_ONCE) if runner.can_change_host else None
        return run_jobs(
            [
                partial(
                    run_deployment, smoke, *job, schedule.take_slot(position) if schedule else None
                )
                for position, job in enumerate(jobs)
            ],
            context.cancelled,
            runner.end_all,
            workers=len(jobs) if schedule else _AT_ONCE,
        )


def _name_deployment(deployment: Deployment, wheel: WheelUnderTest) -> Deployment:
    """Append `-tensorflow` to the name if that is installed, so that its report is separate."""
    suffix = "-tensorflow" if wheel.tensorflow else ""
    return replace(deployment, name=f"{deployment.name}{suffix}")


def _prepare_wheels(
    wheels: Iterable[WheelUnderTest], runner: DeploymentRunner, smoke: SmokeContext
) -> dict[WheelUnderTest, _Start]:
    """Prepare each wheel once: wheel → the function that starts a deployment of it.

    The first wheel is the patched one; any other is unpatched.
    """
    smoke.reports.mkdir(parents=True, exist_ok=True)
    starts: dict[WheelUnderTest, _Start] = {}
    for wheel in wheels:
        if wheel not in starts:
            kind = "-unpatched" if starts else ""
            log = smoke.reports / f"{wheel.release}{kind}-image.log"
            starts[wheel] = runner.prepare_wheel(wheel, log, smoke.report_step)
    return starts


def run_jobs(
    jobs: Sequence[Callable[[], DeploymentResult]],
    cancelled: threading.Event,
    end_all: Callable[[], None],
    *,
    workers: int,
) -> list[DeploymentResult]:
    """Run jobs in threads; their results, in the order of the jobs.

    Args:
        jobs: one for each deployment.
        cancelled: set when the jobs are interrupted, or one of them raises an error.
        end_all: ends the containers or processes that the jobs wait for.
        workers: how many jobs run at once.

    Raises:
        BuilderError: a job could not write its report; the others were ended.
    """
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            return collect_results(futures)
        except BaseException:
            cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            raise


def get_wheel_under_test(
    release: Release, options: SmokeOptions, sources: WheelSources, context: RunContext
) -> WheelUnderTest:
    """Reuse the wheel in the output directory, or build it; see `find_or_build_wheel`."""
    path = find_or_build_wheel(release, options.build, sources, context)
    return to_wheel_under_test(path, release.version, tensorflow=options.tensorflow)


def to_wheel_under_test(path: Path, release: str, *, tensorflow: bool = False) -> WheelUnderTest:
    """Describe a wheel file as a wheel under test.

    Raises:
        WheelError: its name is not that of a wheel.
    """
    parsed = parse_wheel_filename(path.name)
    return WheelUnderTest(path, release, "-".join(filter(None, parsed[1:3])), tensorflow)


def build_unpatched_wheel(
    release: Release,
    options: SmokeOptions,
    sources: WheelSources,
    context: RunContext,
    workdir: Path,
) -> WheelUnderTest | None:
    """Build the wheel without the proxy series; None if the series has no patch for the release.

    Later releases have the variable from upstream, so there is nothing to leave out.
    """
    proxy = next((s for s in sources.load_series(options.build.series) if s.name == _PROXY), None)
    if proxy is None or not proxy.find_patches(release.version):
        return None
    names = tuple(n for n in options.build.series if n != _PROXY)
    build = replace(options.build, series=names, output=workdir, force=False, deep=False)
    built = build_release(release, build, sources, context)
    return to_wheel_under_test(built.path, release.version)
