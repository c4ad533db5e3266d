"""Smoke of the Hub: take or build the wheel, run the configurations and their controls."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from builder.smoke.hub import image
from builder.smoke.hub.configurations import CONFIGURATIONS, UNPATCHED, UNSET
from builder.smoke.hub.site import Ground
from builder.smoke.hub_run import walk
from builder.smoke.suite import run_all, wheel_for, without_the_patch

if TYPE_CHECKING:
    from builder.context import Workshop
    from builder.model import Release
    from builder.smoke.engines.runners import DockerRunner
    from builder.smoke.hub.configurations import Configuration
    from builder.smoke.model import Subject
    from builder.smoke.results.result import Result
    from builder.smoke.run import Walk
    from builder.smoke.suite import SmokeOptions

_LOAD = "load"
_AT_ONCE = 2  # Hubs; the servers of their users come and go


class HubOptions(NamedTuple):
    """What the user chose for the Hub alone.

    Attributes:
        only: names of configurations, or () for all.
        users: how many there are under load.
        socket: the engine's socket, on the engine's host.
    """

    only: tuple[str, ...]
    users: int
    socket: str


def smoke_hub_release(
    release: Release,
    workshop: Workshop,
    options: SmokeOptions,
    hub: HubOptions,
    runner: DockerRunner,
    how: Walk,
) -> list[Result]:
    """Run the Hub's configurations on one release; one result for each, load last.

    Raises:
        BuilderError: the wheel cannot be built or installed, so there is nothing to run.
    """
    subject = wheel_for(release, workshop, options)
    with tempfile.TemporaryDirectory(prefix="smoke-") as name:
        chosen = [c for c in CONFIGURATIONS if not hub.only or c.name in hub.only]
        grounds = _ground(subject, hub, runner, how)
        jobs: list[tuple[Configuration, Subject, Ground]] = [
            (configuration, subject, grounds) for configuration in chosen
        ]
        if options.control:
            jobs.append((UNSET, subject, grounds))
            unpatched = without_the_patch(release, workshop, options, Path(name))
            if unpatched is not None:
                jobs.append((UNPATCHED, unpatched, _ground(unpatched, hub, runner, how)))
        # What is measured under load is measured alone, and last.
        beside = [job for job in jobs if _LOAD not in job[0].layers]
        alone = [job for job in jobs if _LOAD in job[0].layers]
        return [
            result
            for part in (beside, alone)
            for result in run_all(
                [partial(walk, how, *job, hub.users) for job in part],
                workshop,
                runner.sweep,
                workers=_AT_ONCE,
            )
        ]


def _ground(subject: Subject, hub: HubOptions, runner: DockerRunner, how: Walk) -> Ground:
    log = how.reports / f"{subject.release}-hub-image.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    tag = image.make(runner.kitchen, subject, log, how.tell)
    return Ground(runner.kitchen.engine, tag, runner.net, hub.socket)
