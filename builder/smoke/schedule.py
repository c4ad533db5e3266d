"""Deployments that start together, take turns, and end together.

A container that starts or stops changes the addresses of its host, and Chromium then drops what it
is loading (`net::ERR_NETWORK_CHANGED`). So no container of ours starts or stops while a browser
loads a page.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class DeploymentSchedule:
    """Schedule of deployments that run in threads: a start, turns, and an end for all together.

    Args:
        count: how many take part; each of them in a thread of its own.
        at_once: how many have their turn at the same time.
    """

    def __init__(self, count: int, at_once: int) -> None:
        self._started = _CountdownLatch(count)
        self._finished = _CountdownLatch(count)
        self._turns = _TurnQueue(at_once)

    @contextmanager
    def take_slot(self, position: int) -> Iterator[ScheduleSlot]:
        """Take part as one of the deployments; after the block, no other waits for this one.

        That holds even if the block raises an error.

        Args:
            position: position in the order of turns; no two deployments have the same.
        """
        slot = ScheduleSlot(self._started, self._finished, self._turns, position)
        try:
            yield slot
        finally:
            slot.leave_schedule()


def schedule_alone() -> AbstractContextManager[ScheduleSlot]:
    """The slot of a deployment that runs alone."""
    return DeploymentSchedule(1, at_once=1).take_slot(0)


class ScheduleSlot:
    """The part of one deployment in a schedule."""

    def __init__(
        self, started: _CountdownLatch, finished: _CountdownLatch, turns: _TurnQueue, position: int
    ) -> None:
        self._ahead = [started, finished]
        self._turns = turns
        self._position = position

    @contextmanager
    def wait_for_turn(self) -> Iterator[None]:
        """Wait until all have started and it is this one's turn.

        After the block, wait until all have finished.
        """
        self._turns.enqueue_position(self._position)
        try:
            self._pass_latch()
            self._turns.wait_for_turn(self._position)
            yield
        finally:
            self._turns.remove_position(self._position)
            self._pass_latch()

    def leave_schedule(self) -> None:
        """Count down the latches that are left, so that no other deployment waits for this one."""
        while self._ahead:
            self._ahead.pop(0).count_down()

    def _pass_latch(self) -> None:
        latch = self._ahead.pop(0)
        latch.count_down()
        latch.wait()


class _CountdownLatch:
    """Latch that opens when it has been counted down `count` times."""

    def __init__(self, count: int) -> None:
        self._missing = count
        self._changed = threading.Condition()

    def count_down(self) -> None:
        with self._changed:
            self._missing -= 1
            self._changed.notify_all()

    def wait(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._missing <= 0)


class _TurnQueue:
    """Queue of places; the lowest `at_once` of those in it have their turn."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._queue: set[int] = set()
        self._changed = threading.Condition()

    def enqueue_position(self, position: int) -> None:
        with self._changed:
            self._queue.add(position)

    def wait_for_turn(self, position: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: position in sorted(self._queue)[: self._at_once])

    def remove_position(self, position: int) -> None:
        with self._changed:
            self._queue.discard(position)
            self._changed.notify_all()
