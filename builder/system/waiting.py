"""Wait for something, with a deadline."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from builder.system.interruption import make_interruption_check
from builder.system.limits import POLL_SECONDS, TIMEOUT_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

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

    def check_wait() -> None:
        check_interrupted()
        check_cancelled()
        if time.monotonic() > deadline:
            raise DeadlineError(what, seconds)

    deadline = time.monotonic() + seconds
    try:
        # Inside: a signal may come while it starts, and the function may have begun by then.
        threading.Thread(target=call_function, daemon=True).start()
        next(iterate_completed((outcome,), check_wait))
    except BaseException:
        abandon()
        raise
    return outcome.result()


def collect_results(futures: Collection[Future[_T]]) -> list[_T]:
    """Wait as `iterate_completed` does; the results in the order of the futures.

    What a future raises is raised as soon as it completes; the others go on.
    """
    for future in iterate_completed(futures):
        future.result()
    return [future.result() for future in futures]


def iterate_completed(
    futures: Collection[Future[_T]], check_wait: Callable[[], None] = lambda: None
) -> Iterator[Future[_T]]:
    """Yield futures as they complete; a signal ends this wait soon, and with its own exception.

    `concurrent.futures.as_completed` promises neither in the main thread. Python calls a signal's
    handler there before it waits for a lock, so that the handler of a signal that comes between the
    two is called when the wait has ended. And an exception that a handler raises in a
    `threading.Condition` can become the RuntimeError that its lock is not held.

    Args:
        futures: what to wait for.
        check_wait: called again and again while waiting; what it raises ends the wait.
    """
    completed: SimpleQueue[Future[_T]] = SimpleQueue()  # its `get` is C code, with one lock
    for future in futures:
        future.add_done_callback(completed.put)
    left = len(futures)
    while left:
        try:
            future = completed.get(timeout=POLL_SECONDS)
        except Empty:
            check_wait()
        else:
            left -= 1
            yield future
