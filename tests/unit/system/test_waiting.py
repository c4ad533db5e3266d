"""Waiting with a deadline."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

import pytest

from builder.errors import InterruptedRunError
from builder.system.interruption import record_interruption
from builder.system.limits import TIMEOUT_VARIABLE
from builder.system.waiting import DeadlineError, iterate_completed, run_with_deadline, wait_for


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


def test_what_comes_in_time_is_given_back() -> None:
    """A value, or the function's own error."""
    assert run_with_deadline(lambda: 7, 60, "x") == 7
    with pytest.raises(ZeroDivisionError):
        run_with_deadline(lambda: 1 // 0, 60, "x")


def test_what_takes_too_long_is_left_to_itself() -> None:
    """The error names who is waited for, and the variable that gives more time."""
    stopping = threading.Event()
    with pytest.raises(DeadlineError, match=f"example took longer .* {TIMEOUT_VARIABLE} gives"):
        run_with_deadline(stopping.wait, 0.05, "example", stopping.set)
    assert stopping.is_set()


def test_futures_come_as_they_complete() -> None:
    """Also those that are complete already; between them, the wait may be ended."""
    first, second, third = Future[int](), Future[int](), Future[int]()
    second.set_result(2)
    completed = iterate_completed([first, second, third], lambda: first.set_exception(KeyError(1)))
    assert next(completed) is second
    assert next(completed) is first
    third.set_result(3)
    assert list(completed) == [third]

    def end_wait() -> None:
        raise InterruptedRunError("interrupted", "run it again")

    with pytest.raises(InterruptedRunError):
        next(iterate_completed([Future()], end_wait))


def test_a_signal_while_its_thread_starts_abandons_the_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A program that the thread had started by then went on after us."""
    stopping = threading.Event()
    start = threading.Thread.start

    def start_and_interrupt(thread: threading.Thread) -> None:
        start(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", start_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_with_deadline(stopping.wait, 60, "example", stopping.set)
    assert stopping.is_set()


@pytest.mark.usefixtures("no_interruption")
def test_an_interruption_ends_what_began_before_it() -> None:
    """What begins after it is cleanup, and goes on."""
    stopping = threading.Event()

    def interrupt() -> None:
        record_interruption()
        stopping.wait(60)

    with pytest.raises(InterruptedRunError):
        run_with_deadline(interrupt, 60, "example", stopping.set)
    assert stopping.is_set()
    assert run_with_deadline(lambda: "removed", 60, "example") == "removed"
