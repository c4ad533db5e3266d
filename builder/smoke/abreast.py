"""Deployments that start together, take turns, and end together.

A container that comes or goes changes the addresses of its host, and Chromium then drops what it is
loading (`net::ERR_NETWORK_CHANGED`). So nothing of ours comes or goes while a browser looks.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
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
        self._turn = threading.Semaphore(at_once)

    @contextmanager
    def member(self) -> Iterator[Member]:
        """One of them takes part; whatever becomes of it, it keeps nobody waiting afterwards."""
        member = Member(self._started, self._finished, self._turn)
        try:
            yield member
        finally:
            member.leave()


class Member:
    """One deployment among those that go abreast."""

    def __init__(self, started: _Gate, finished: _Gate, turn: threading.Semaphore) -> None:
        self._ahead = [started, finished]
        self._turn = turn

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Once all have started, and it is its turn; after the block, until all have finished."""
        self._next()
        try:
            with self._turn:
                yield
        finally:
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
