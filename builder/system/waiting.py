"""Waiting for something that somebody else does: asked again and again, never beyond a deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


def wait_for(poll: Callable[[], _T | None], seconds: float, every: float = 0.1) -> _T | None:
    """Ask until there is an answer.

    Args:
        poll: gives the answer, or None while there is none.
        seconds: when to give up. It is asked at least once, and a last time at the deadline.
        every: seconds between two questions.

    Returns:
        The answer, or None when the time is up.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = poll()
        left = deadline - time.monotonic()
        if answer is not None or left <= 0:
            return answer
        time.sleep(min(every, left))
