"""One configuration of the Hub from start to end: the Hub, its users, its layers, its report."""

from __future__ import annotations

import re
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.errors import EngineError
from builder.smoke.hub import site
from builder.smoke.hub.configurations import USER
from builder.smoke.hub.member import Member
from builder.smoke.jupyter import existing
from builder.smoke.probes import hub_forms, hub_isolation, hub_load, hub_stopped
from builder.smoke.run import layers, reported

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from builder.smoke.hub.configurations import Configuration
    from builder.smoke.hub.site import Ground, Hub
    from builder.smoke.model import Site, Subject
    from builder.smoke.results.recorder import Recorder
    from builder.smoke.results.result import Result
    from builder.smoke.run import Walk

_SECRET = re.compile(r"(?i)\b(token|code|state|_xsrf)=[^&\s\"']+")


def walk(
    how: Walk, configuration: Configuration, subject: Subject, ground: Ground, users: int
) -> Result:
    """Start a Hub, ask everything, end it, and leave its report.

    Args:
        how: what is the same for all.
        configuration: of the Hub.
        subject: the wheel.
        ground: what the Hub runs on.
        users: how many there are under load.

    Raises:
        InterruptedRunError: the run was interrupted.
        OutputError: the report cannot be written.
    """

    def work(record: Recorder, room: Path) -> None:
        with site.start(ground, configuration) as hub:
            try:
                ask(how, hub, subject, users, record, room)
            finally:
                _keep_logs(hub, room)

    return reported(how, configuration.name, subject, work)


def ask(how: Walk, hub: Hub, subject: Subject, users: int, record: Recorder, room: Path) -> None:
    """Go through the layers of a running Hub.

    Args:
        how: what is the same for all.
        hub: that runs.
        subject: the wheel.
        users: how many there are under load.
        record: gets the results.
        room: the directory of the report.
    """
    wanted, release = hub.configuration.layers, subject.release
    if hub.configuration.deployment(USER).layers:
        _one_user(how, hub, subject, record, room)
    if "isolation" in wanted:
        hub_isolation.walk(hub, release, record)
    if "stopped" in wanted:
        hub_stopped.walk(hub, release, record)
    if "load" in wanted:
        hub_load.walk(hub, release, users, record)
    if hub.configuration.name in wanted:
        hub_forms.walk(hub, release, record)


def _one_user(how: Walk, hub: Hub, subject: Subject, record: Recorder, room: Path) -> None:
    """The layers of the other smoke tests, on the server of one user; without it, none is met."""
    due = hub.configuration.deployment(USER).layers
    with record.layer("hub", *due), ExitStack() as stack:
        with record.probe("hub-log-in", vital=True):
            member = stack.enter_context(closing(Member.log_in(hub.root, USER)))
        with record.probe("hub-spawn", vital=True) as told:
            told(f"{member.start():.1f} s")
        ours = hub.site(member, subject.release)
        if hub.configuration.existing:
            ours = stack.enter_context(_existing(ours))
        layers(how, ours, subject, record, room)
        member.stop()


def _existing(site: Site) -> AbstractContextManager[Site]:
    """The same server as `smoke --url` knows it: an address and a token."""
    there = existing.Existing(site.url, site.token)
    deployment, release = existing.ask(there, site.deployment.frontend)
    wanted = replace(deployment, layers=site.deployment.layers)
    return existing.visiting(there, wanted, release)


def _keep_logs(hub: Hub, room: Path) -> None:
    """The Hub's log, which has those of containers that it removed, and its users'."""
    kept = {"hub": hub.container}
    with suppress(EngineError):
        kept |= {c.name.removeprefix(f"{hub.label}-"): c for c in hub.containers()}
    for name, container in kept.items():
        with suppress(EngineError):
            log = _SECRET.sub(r"\1=…", container.log())
            (room / f"{name}.log").write_text(log, encoding="utf-8")
