"""Change Python's warning filters under a lock: up to 3.13, all threads share one list."""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILTERS_LOCK = threading.Lock()


@contextmanager
def ignore_warnings() -> Iterator[None]:
    """Ignore all warnings in the block, whatever the filters of this process are."""
    with _FILTERS_LOCK, warnings.catch_warnings(action="ignore"):
        yield


@contextmanager
def record_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Record all warnings in the block in a list, and show them nowhere else."""
    with _FILTERS_LOCK, warnings.catch_warnings(record=True, action="always") as caught:
        yield caught
