"""Waiting with a deadline."""

from __future__ import annotations

import time

from builder.system.waiting import wait_for


def test_it_stops_at_the_first_answer() -> None:
    """Falsy answers count; only None asks on."""
    answers = iter([None, None, 0])
    assert wait_for(lambda: next(answers), 5, every=0.001) == 0


def test_it_gives_up_and_asks_at_least_once() -> None:
    """At the deadline there is a last question, and then None."""
    asked: list[float] = []

    def never() -> None:
        asked.append(time.monotonic())

    began = time.monotonic()
    assert wait_for(never, 0.05, every=0.02) is None
    assert asked[-1] - began >= 0.05
    asked.clear()
    assert wait_for(never, 0) is None
    assert len(asked) == 1
