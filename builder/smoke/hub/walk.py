"""One configuration of the Hub from start to end: the Hub, its users, its layers, its report."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.smoke import existing
from builder.smoke.hub import site
from builder.smoke.hub.configurations import USER
from builder.smoke.hub.member import Member
from builder.smoke.probes import hub_forms, hub_isolation, hub_load, hub_stopped
from builder.smoke.walk import layers, reported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.smoke.hub.configurations import Configuration
    from builder.smoke.hub.site import Ground, Hub
    from builder.smoke.model import Site, Subject
    from builder.smoke.recorder import Recorder
    from builder.smoke.result import Result
    from builder.smoke.walk import Walk

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
                _ask(how, hub, subject, users, record, room)
            finally:
                log = _SECRET.sub(r"\1=…", hub.container.log())
                (room / "hub.log").write_text(log, encoding="utf-8")

    return reported(how, configuration.name, subject, work)


def _ask(how: Walk, hub: Hub, subject: Subject, users: int, record: Recorder, room: Path) -> None:
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
    """The layers of the other smoke tests, on the server of one user."""
    members: list[Member] = []
    with record.layer("hub"):
        with record.probe("hub-log-in", vital=True):
            members.append(Member.log_in(hub.root, USER))
        with record.probe("hub-spawn", vital=True) as told:
            told(f"{members[0].start():.1f} s")
    for member in members:
        with closing(member):
            ours = hub.site(member, subject.release)
            if hub.configuration.existing:
                with _existing(ours) as theirs:
                    layers(how, theirs, subject, record, room)
            else:
                layers(how, ours, subject, record, room)
            member.stop()


@contextmanager
def _existing(site: Site) -> Iterator[Site]:
    """The same server as `smoke --url` knows it: an address and a token."""
    there = existing.Existing(site.url, site.token)
    deployment, release = existing.ask(there, site.deployment.frontend)
    wanted = replace(deployment, layers=site.deployment.layers)
    with existing.visiting(there, wanted, release) as theirs:
        yield theirs
