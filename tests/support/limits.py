"""Time limits that follow the machine: longer where it is slower."""

from __future__ import annotations

import statistics
import subprocess
import sys
import timeit
from functools import cache, partial

# Seconds in which a Python without site packages starts on two idle cores; limits are for these.
_USUAL = 0.02


@cache
def slowness() -> float:
    """How many times as long this machine takes for that, asked once; at least 1."""
    start = partial(subprocess.run, [sys.executable, "-I", "-S", "-c", ""], check=True)
    return max(1.0, statistics.median(timeit.repeat(start, number=1, repeat=5)) / _USUAL)


def scaled(seconds: float) -> float:
    """A limit, in seconds, lengthened for this machine."""
    return seconds * slowness()
