"""Python's warning filters: up to 3.13 one list for all threads, so who changes them is alone."""

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
    """Nothing is warned of in the block, whatever the filters of this process say."""
    with _FILTERS_LOCK, warnings.catch_warnings(action="ignore"):
        yield


@contextmanager
def record_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """All that is warned of in the block, in a list that fills, and nowhere else."""
    with _FILTERS_LOCK, warnings.catch_warnings(record=True, action="always") as caught:
        yield caught
