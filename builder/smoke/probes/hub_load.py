"""The layer `load`: many users at once, and what recovers when parts of the Hub are killed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median
from typing import TYPE_CHECKING

from builder.smoke.hub.guest import TAGS, Guest, at_once
from builder.smoke.model import ProbeFailure
from builder.smoke.probes import hub_killed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.smoke.hub.site import Hub
    from builder.smoke.results.recorder import Recorder

_ASKS = 30  # requests of each user


def walk(hub: Hub, release: str, users: int, record: Recorder) -> None:
    """The layer `load`.

    Args:
        hub: with a container for each user.
        release: the TensorBoard release.
        users: how many.
        record: gets the results.
    """
    with record.layer("load"), ExitStack() as stack, ThreadPoolExecutor(users) as pool:
        guests: list[Guest] = []
        with record.probe("load-frames", vital=True) as told:
            # What each of them opens is closed by the stack, whoever fails.
            names = [f"guest{number}" for number in range(users)]
            at_once(
                pool, lambda name: guests.append(Guest.arrive(hub, name, release, stack)), names
            )
            told(_arrivals(guests))
        with record.probe("load-own-canary") as told:
            told(_own(pool, guests))
        with record.probe("load-memory") as told:
            told(_memory(hub, pool))
        with record.probe("proxy-killed") as told:
            told(hub_killed.proxy(hub, pool, guests))
        with record.probe("server-killed") as told:
            told(hub_killed.server(hub, release, guests[0], lambda: _own(pool, guests[1:])))


def _arrivals(guests: Sequence[Guest]) -> str:
    spawned, framed = [g.spawned for g in guests], [g.framed for g in guests]
    return (
        f"{len(guests)} users at once: spawned in {median(spawned):.1f} s, at most "
        f"{max(spawned):.1f}; first frame in {median(framed):.1f} s, at most {max(framed):.1f}"
    )


def _own(pool: ThreadPoolExecutor, guests: Sequence[Guest]) -> str:
    """Everybody asks at once, and sees their own tag alone."""
    canaries = {guest.canary for guest in guests}

    def ask(guest: Guest) -> None:
        for _ in range(_ASKS):
            text = guest.board.ask(TAGS).expect(200).text
            seen = {canary for canary in canaries if canary in text}
            if seen != {guest.canary}:
                raise ProbeFailure(f"{guest.member.name} sees {len(seen)} canaries, not their own")

    began = time.monotonic()
    at_once(pool, ask, guests)
    seconds = time.monotonic() - began
    count = _ASKS * len(guests)
    return f"{count} answers, none with another's canary; {count / seconds:.0f} requests per second"


def _memory(hub: Hub, pool: ThreadPoolExecutor) -> str:
    each = list(pool.map(lambda container: container.memory(), hub.containers()))
    own = hub.container.memory()
    return (
        f"{median(each) / 1e6:.0f} MB for a user with Jupyter, a kernel and TensorBoard; "
        f"{own / 1e6:.0f} MB for the Hub with its proxy; {(sum(each) + own) / 1e9:.1f} GB in all"
    )
