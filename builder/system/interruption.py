"""Whether Ctrl-C or SIGTERM has arrived, for waits in any thread.

Python raises the exception of a signal in the main thread only. A wait that began before the signal
ends with an error in every thread; what begins after it is cleanup, and runs to its own deadline.

The state belongs to the process, as signals do. It is a plain number: a signal handler may
interrupt the main thread anywhere, also while it holds the lock of a `threading.Event`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.errors import InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Callable


_count = 0


def record_interruption() -> None:
    """Record that the process was interrupted; signal handlers call this."""
    global _count  # noqa: PLW0603 - a signal concerns the process
    _count += 1


def make_interruption_check() -> Callable[[], None]:
    """Make a function that raises InterruptedRunError if the process was interrupted since."""
    before = _count

    def check_interrupted() -> None:
        if _count != before:
            raise InterruptedRunError("interrupted", "nothing was left half-written; run it again")

    return check_interrupted


def is_interrupted() -> bool:
    """Whether the process was interrupted, so that what is left to do is cleanup."""
    return _count > 0
