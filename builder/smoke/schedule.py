"""Deployments that start together, take turns, and end together.

A container that comes or goes changes the addresses of its host, and Chromium then drops what it is
loading (`net::ERR_NETWORK_CHANGED`). So nothing of ours comes or goes while a browser looks.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Abreast:
    """A number of deployments.

    Args:
        count: how many take part; each of them in a thread of its own.
        at_once: how many have their turn at the same time.
    """

    def __init__(self, count: int, at_once: int) -> None:
        self._started = _Gate(count)
        self._finished = _Gate(count)
        self._turns = _Turns(at_once)

    @contextmanager
    def member(self, place: int) -> Iterator[Member]:
        """One of them takes part; whatever becomes of it, it keeps nobody waiting afterwards.

        Args:
            place: turns are taken in the order of these; no two have the same.
        """
        member = Member(self._started, self._finished, self._turns, place)
        try:
            yield member
        finally:
            member.leave()


def alone() -> AbstractContextManager[Member]:
    """The one and only."""
    return Abreast(1, at_once=1).member(0)


class Member:
    """One deployment among those that go abreast."""

    def __init__(self, started: _Gate, finished: _Gate, turns: _Turns, place: int) -> None:
        self._ahead = [started, finished]
        self._turns = turns
        self._place = place

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Once all have started, and it is its turn; after the block, until all have finished."""
        self._turns.queue(self._place)
        try:
            self._next()
            self._turns.wait(self._place)
            yield
        finally:
            self._turns.done(self._place)
            self._next()

    def leave(self) -> None:
        """Take no more part."""
        while self._ahead:
            self._ahead.pop(0).arrive()

    def _next(self) -> None:
        gate = self._ahead.pop(0)
        gate.arrive()
        gate.wait()


class _Gate:
    """Opens when all have arrived."""

    def __init__(self, count: int) -> None:
        self._missing = count
        self._changed = threading.Condition()

    def arrive(self) -> None:
        with self._changed:
            self._missing -= 1
            self._changed.notify_all()

    def wait(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._missing <= 0)


class _Turns:
    """The first ones in the queue have theirs."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._queue: set[int] = set()
        self._changed = threading.Condition()

    def queue(self, place: int) -> None:
        with self._changed:
            self._queue.add(place)

    def wait(self, place: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: place in sorted(self._queue)[: self._at_once])

    def done(self, place: int) -> None:
        with self._changed:
            self._queue.discard(place)
            self._changed.notify_all()
