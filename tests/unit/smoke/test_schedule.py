"""Deployments that start together, take turns, and end together."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from builder.smoke.schedule import DeploymentSchedule

_TIMEOUT = 30


def test_nobody_has_a_turn_before_all_have_started_nor_ends_before_all_have_finished() -> None:
    """What one does alone, and what comes and goes, are never at the same time."""
    schedule, lock = DeploymentSchedule(3, at_once=2), threading.Lock()
    seen: list[str] = []

    def say(word: str) -> None:
        with lock:
            seen.append(word)

    def deployment(place: int) -> None:
        with schedule.take_slot(place) as slot:
            say("start")
            with slot.wait_for_turn():
                say("look")
            say("end")

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(deployment, place) for place in range(3)]:
            future.result(timeout=_TIMEOUT)
    assert seen == ["start"] * 3 + ["look"] * 3 + ["end"] * 3


def test_no_more_than_so_many_look_at_once() -> None:
    """The third waits until one of two is done."""
    schedule, looking, most = DeploymentSchedule(3, at_once=2), 0, 0
    lock, both = threading.Lock(), threading.Barrier(2)

    def deployment(number: int) -> None:
        nonlocal looking, most
        with schedule.take_slot(number) as slot, slot.wait_for_turn():
            with lock:
                looking += 1
                most = max(most, looking)
            if number < 2:
                both.wait(_TIMEOUT)
            with lock:
                looking -= 1

    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(deployment, number) for number in range(2)]
        futures.append(pool.submit(deployment, 2))
        for future in futures:
            future.result(timeout=_TIMEOUT)
    assert most == 2


def test_turns_are_taken_in_the_order_of_the_places() -> None:
    """Whoever started first: the longest is named first, and must not begin last."""
    schedule = DeploymentSchedule(4, at_once=1)
    seen: list[int] = []

    def deployment(place: int) -> None:
        with schedule.take_slot(place) as slot, slot.wait_for_turn():
            seen.append(place)

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(deployment, place) for place in (2, 0, 3, 1)]:
            future.result(timeout=_TIMEOUT)
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("late", [False, True])
def test_one_that_fails_keeps_nobody_waiting(late: bool) -> None:
    """Whether it fails before it has started, or while it has its turn."""
    schedule = DeploymentSchedule(2, at_once=1)

    def fails() -> None:
        with schedule.take_slot(0) as slot:
            if late:
                with slot.wait_for_turn():
                    raise ZeroDivisionError
            raise ZeroDivisionError

    def works() -> bool:
        with schedule.take_slot(1) as slot, slot.wait_for_turn():
            return True

    with ThreadPoolExecutor(2) as pool:
        broken, whole = pool.submit(fails), pool.submit(works)
        with pytest.raises(ZeroDivisionError):
            broken.result(timeout=_TIMEOUT)
        assert whole.result(timeout=_TIMEOUT)
