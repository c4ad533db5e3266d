"""The layer `load`: many users at once, and what recovers when parts of the Hub are killed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median
from typing import TYPE_CHECKING

from builder.smoke.hub.load_user import SCALAR_TAGS_PATH, LoadUser, run_in_parallel
from builder.smoke.model import ProbeFailure
from builder.smoke.probes import hub_killed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.smoke.hub.site import Hub
    from builder.smoke.results.recorder import ProbeRecorder

_REQUESTS_PER_USER = 30  # requests of each user


def run_load_probes(hub: Hub, users: int, recorder: ProbeRecorder) -> None:
    """Run the probes of the layer `load`.

    Args:
        hub: with a container for each user.
        users: how many users.
        recorder: gets the results.
    """
    with recorder.layer("load"), ExitStack() as stack, ThreadPoolExecutor(users) as pool:
        load_users: list[LoadUser] = []
        with recorder.probe("load-frames", vital=True) as set_detail:
            # The stack closes what each user opened, whichever of them fails.
            names = [f"guest{number}" for number in range(users)]
            run_in_parallel(
                pool,
                lambda name: load_users.append(LoadUser.create_with_tensorboard(hub, name, stack)),
                names,
            )
            set_detail(_describe_arrivals(load_users))
        with recorder.probe("load-own-canary") as set_detail:
            set_detail(_check_own_canary(pool, load_users))
        with recorder.probe("load-memory") as set_detail:
            set_detail(_measure_memory(hub, pool))
        with recorder.probe("proxy-killed") as set_detail:
            set_detail(hub_killed.check_killed_proxy(hub, pool, load_users))
        with recorder.probe("server-killed") as set_detail:
            set_detail(
                hub_killed.check_killed_server(
                    hub, load_users[0], lambda: _check_own_canary(pool, load_users[1:])
                )
            )


def _describe_arrivals(load_users: Sequence[LoadUser]) -> str:
    spawn_seconds, frame_seconds = (
        [u.spawn_seconds for u in load_users],
        [u.frame_seconds for u in load_users],
    )
    return (
        f"{len(load_users)} users at once: spawned in {median(spawn_seconds):.1f} s, at most "
        f"{max(spawn_seconds):.1f}; first frame in {median(frame_seconds):.1f} s, "
        f"at most {max(frame_seconds):.1f}"
    )


def _check_own_canary(pool: ThreadPoolExecutor, load_users: Sequence[LoadUser]) -> str:
    """Let all users send requests at once; each must see their own tag only."""
    canaries = {load_user.canary for load_user in load_users}

    def request_repeatedly(load_user: LoadUser) -> None:
        for _ in range(_REQUESTS_PER_USER):
            text = load_user.tensorboard.send_request(SCALAR_TAGS_PATH).expect_status(200).text
            seen = {canary for canary in canaries if canary in text}
            if seen != {load_user.canary}:
                raise ProbeFailure(
                    f"{load_user.hub_user.name} sees {len(seen)} canaries, not their own"
                )

    began = time.monotonic()
    run_in_parallel(pool, request_repeatedly, load_users)
    seconds = time.monotonic() - began
    count = _REQUESTS_PER_USER * len(load_users)
    return f"{count} answers, none with another's canary; {count / seconds:.0f} requests per second"


def _measure_memory(hub: Hub, pool: ThreadPoolExecutor) -> str:
    user_memory = list(pool.map(lambda container: container.memory(), hub.list_containers()))
    hub_memory = hub.container.measure_memory()
    return (
        f"{median(user_memory) / 1e6:.0f} MB for a user with Jupyter, a kernel and TensorBoard; "
        f"{hub_memory / 1e6:.0f} MB for the Hub with its proxy; "
        f"{(sum(user_memory) + hub_memory) / 1e9:.1f} GB in all"
    )
