"""Smoke: take or build the wheel, run its deployments and their controls, judge."""

from __future__ import annotations

import tempfile
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from builder.build.found import find_or_build
from builder.build.release import build_release
from builder.smoke.deployments import SUITES, UNPATCHED, UNSET
from builder.smoke.model import Subject
from builder.smoke.run import walk
from builder.smoke.schedule import Abreast
from builder.wheel.names import parse_filename

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from builder.build.release import BuildOptions
    from builder.context import Workshop
    from builder.model import Release
    from builder.smoke.engines.runners import Runner
    from builder.smoke.model import Deployment, Site
    from builder.smoke.results.result import Result
    from builder.smoke.run import Walk

    _Start = Callable[[Deployment], AbstractContextManager[Site]]

_PROXY = "proxy"
_AT_ONCE = 3  # deployments; each is a Jupyter, its kernels and a browser


@dataclass(frozen=True, slots=True)
class SmokeOptions:
    """What the user chose.

    Attributes:
        suite: a key of `SUITES`.
        build: where the wheel lies, and how it is built if it is not there.
        control: also run the negative controls.
        tensorflow: train with TensorFlow, installed first.
    """

    suite: str
    build: BuildOptions
    control: bool
    tensorflow: bool


def smoke_release(
    release: Release, workshop: Workshop, options: SmokeOptions, runner: Runner, how: Walk
) -> list[Result]:
    """Run the suite on one release; one result for each deployment, in the suite's order.

    Raises:
        BuilderError: the wheel cannot be built or installed, so there is nothing to run.
    """
    subject = wheel_for(release, workshop, options)
    with tempfile.TemporaryDirectory(prefix="smoke-") as name:
        room = Path(name)
        wanted = [(deployment, subject) for deployment in SUITES[options.suite]]
        if options.control:
            frontend = wanted[0][0].frontend
            wanted.append((UNSET[frontend], subject))
            unpatched = without_the_patch(release, workshop, options, room)
            if unpatched is not None:
                wanted.append((UNPATCHED[frontend], unpatched))
        starts = _prepared([wheel for _, wheel in wanted], runner, how)
        jobs = [(_named(deployment, wheel), wheel, starts[wheel]) for deployment, wheel in wanted]
        abreast = Abreast(len(jobs), _AT_ONCE) if runner.changes_host else None
        return run_all(
            [
                partial(walk, how, *job, abreast.member(place) if abreast else None)
                for place, job in enumerate(jobs)
            ],
            workshop,
            runner.sweep,
            workers=len(jobs) if abreast else _AT_ONCE,
        )


def _named(deployment: Deployment, subject: Subject) -> Deployment:
    """The deployment, whose report is not that of the same one without TensorFlow."""
    apart = "-tensorflow" if subject.tensorflow else ""
    return replace(deployment, name=f"{deployment.name}{apart}")


def _prepared(subjects: Iterable[Subject], runner: Runner, how: Walk) -> dict[Subject, _Start]:
    """What starts a deployment of each wheel; the first is the patched one."""
    how.reports.mkdir(parents=True, exist_ok=True)
    starts: dict[Subject, _Start] = {}
    for subject in subjects:
        if subject not in starts:
            kind = "-unpatched" if starts else ""
            log = how.reports / f"{subject.release}{kind}-image.log"
            starts[subject] = runner.prepare(subject, log, how.tell)
    return starts


def run_all(
    jobs: Sequence[Callable[[], Result]],
    workshop: Workshop,
    sweep: Callable[[], None],
    *,
    workers: int,
) -> list[Result]:
    """Do these, some at once; the results in their order.

    Args:
        jobs: one for each deployment.
        workshop: is told when they are interrupted.
        sweep: ends what they wait for.
        workers: how many at once.

    Raises:
        BuilderError: one of them could not leave its report; the others were ended.
    """
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            return [future.result() for future in futures]
        except BaseException:
            workshop.cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)
            sweep()
            raise


def wheel_for(release: Release, workshop: Workshop, options: SmokeOptions) -> Subject:
    """The wheel in the output directory, built first if it is not there; see `find_or_build`."""
    identity = options.build.identify(release.version)
    path = find_or_build(release, identity, workshop, options.build)
    return subject_of(path, release.version, tensorflow=options.tensorflow)


def subject_of(path: Path, release: str, *, tensorflow: bool = False) -> Subject:
    """A wheel as it lies there.

    Raises:
        WheelError: its name is no wheel's.
    """
    parsed = parse_filename(path.name)
    return Subject(path, release, "-".join(filter(None, parsed[1:3])), tensorflow)


def without_the_patch(
    release: Release, workshop: Workshop, options: SmokeOptions, room: Path
) -> Subject | None:
    """The same wheel without the proxy series; None where upstream has the variable itself."""
    proxy = next((s for s in workshop.series(options.build.series) if s.name == _PROXY), None)
    if proxy is None or not proxy.serving(release.version):
        return None
    names = tuple(n for n in options.build.series if n != _PROXY)
    build = replace(options.build, series=names, output=room, force=False, deep=False)
    built = build_release(release, workshop.series(names), workshop, build)
    return subject_of(built.path, release.version)
