"""Wait for something, with a deadline."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, TypeVar

from builder.system.interruption import make_interruption_check
from builder.system.limits import POLL_SECONDS, TIMEOUT_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


def wait_for(poll: Callable[[], _T | None], seconds: float, every: float = 0.1) -> _T | None:
    """Poll until there is an answer, or until the time is up.

    Args:
        poll: returns the answer, or None while there is none.
        seconds: the time limit. `poll` is called at least once, and a last time at the deadline.
        every: seconds between two calls.

    Returns:
        The answer, or None if the time is up.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = poll()
        left = deadline - time.monotonic()
        if answer is not None or left <= 0:
            return answer
        time.sleep(min(every, left))


class DeadlineError(TimeoutError):
    """Something took longer than it may; the message names it and the variable for more time."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what} took longer than {seconds:g} s; {TIMEOUT_VARIABLE} gives it more")


def run_with_deadline(
    function: Callable[[], _T],
    seconds: float,
    what: str,
    abandon: Callable[[], None] = lambda: None,
    check_cancelled: Callable[[], None] = lambda: None,
) -> _T:
    """Call a function that cannot be interrupted, such as a name lookup or a library's request.

    It is called in a thread of its own. If it is still running at the deadline, or when the process
    is interrupted, it is left to itself: nothing waits for that thread, not even the end of Python.

    Args:
        function: what to call.
        seconds: the time limit.
        what: who is waited for, without secrets, for the message.
        abandon: called when the function is left to itself; makes it end soon, if it can.
        check_cancelled: called again and again while waiting; raises if the run was interrupted.
            Threads that the main one started need it: the signal may come before their wait begins.

    Returns:
        What the function returned; what it raises is raised here.

    Raises:
        DeadlineError: it took too long.
        InterruptedRunError: the process was interrupted since this call.
    """
    check_interrupted = make_interruption_check()
    outcome: Future[_T] = Future()

    def call_function() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:
            outcome.set_exception(error)

    def wait_for_outcome() -> None:
        while not wait((outcome,), timeout=POLL_SECONDS).done:
            check_interrupted()
            check_cancelled()
            if time.monotonic() > deadline:
                raise DeadlineError(what, seconds)

    deadline = time.monotonic() + seconds
    threading.Thread(target=call_function, daemon=True).start()
    try:
        wait_for_outcome()
    except BaseException:
        abandon()
        raise
    return outcome.result()
