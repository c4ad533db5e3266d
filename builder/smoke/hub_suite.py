"""Smoke-test the Hub: find or build the wheel, run the configurations and their controls."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from builder.smoke.hub import image
from builder.smoke.hub.configurations import (
    HUB_CONFIGURATIONS,
    HUB_UNPATCHED_CONTROL,
    HUB_UNSET_CONTROL,
)
from builder.smoke.hub.site import HubResources
from builder.smoke.hub_run import run_hub_configuration
from builder.smoke.suite import build_unpatched_wheel, get_wheel_under_test, run_jobs
from builder.system.files import make_temporary_directory

if TYPE_CHECKING:
    from builder.context import RunContext
    from builder.model import Release
    from builder.smoke.engines.runners import DockerRunner
    from builder.smoke.hub.configurations import HubConfiguration
    from builder.smoke.model import WheelUnderTest
    from builder.smoke.results.result import DeploymentResult
    from builder.smoke.run import SmokeContext
    from builder.smoke.suite import SmokeOptions
    from builder.verify.sources import WheelSources

_LOAD = "load"
_AT_ONCE = 2  # Hubs; the number of their users' servers varies


class HubOptions(NamedTuple):
    """Options that only the Hub's smoke tests have.

    Attributes:
        only: names of the configurations to run, or () for all.
        users: number of users in the load test.
        socket: path of the engine's socket, on the engine's host.
    """

    only: tuple[str, ...]
    users: int
    socket: str


def smoke_hub_release(
    release: Release,
    options: SmokeOptions,
    hub: HubOptions,
    runner: DockerRunner,
    smoke: SmokeContext,
    sources: WheelSources,
    context: RunContext,
) -> list[DeploymentResult]:
    """Run the Hub's configurations on one release; one result for each, load last.

    Raises:
        BuilderError: the wheel cannot be built or installed, so there is nothing to run.
    """
    wheel = get_wheel_under_test(release, options, sources, context)
    with make_temporary_directory("tensorboard-wheels-smoke-") as workdir:
        chosen = [c for c in HUB_CONFIGURATIONS if not hub.only or c.name in hub.only]
        resources = _build_hub_resources(wheel, hub, runner, smoke)
        jobs: list[tuple[HubConfiguration, HubResources]] = [
            (configuration, resources) for configuration in chosen
        ]
        if options.control:
            jobs.append((HUB_UNSET_CONTROL, resources))
            unpatched = build_unpatched_wheel(release, options, sources, context, workdir)
            if unpatched is not None:
                control = _build_hub_resources(unpatched, hub, runner, smoke)
                jobs.append((HUB_UNPATCHED_CONTROL, control))
        # The load test runs alone, and last: nothing else may disturb its measurements.
        other_jobs = [job for job in jobs if _LOAD not in job[0].layers]
        load_jobs = [job for job in jobs if _LOAD in job[0].layers]
        return [
            result
            for group in (other_jobs, load_jobs)
            for result in run_jobs(
                [partial(run_hub_configuration, smoke, *job, hub.users) for job in group],
                context.cancelled,
                runner.end_all,
                workers=_AT_ONCE,
            )
        ]


def _build_hub_resources(
    wheel: WheelUnderTest, hub: HubOptions, runner: DockerRunner, smoke: SmokeContext
) -> HubResources:
    log = smoke.reports / f"{wheel.release}-hub-image.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    tag = image.build_hub_image(runner.image_builder, wheel, log, smoke.report_step)
    return HubResources(runner.image_builder.engine, tag, wheel, runner.net, hub.socket)
