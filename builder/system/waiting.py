"""Wait for something by polling, with a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

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
