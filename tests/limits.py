"""Limits that follow the machine, for the few tests that cannot do without one."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from functools import cache

# Seconds in which a Python starts where these limits were chosen: two cores of 2024, idle.
_USUAL = 0.02
_STARTS = 5


@cache
def slowness() -> float:
    """How many times as long as there a Python takes to start here and now; at least 1."""
    seconds = []
    for _ in range(_STARTS):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True)
        seconds.append(time.perf_counter() - begun)
    return max(1.0, statistics.median(seconds) / _USUAL)


def scaled(seconds: float) -> float:
    """So many seconds there, in seconds of this machine."""
    return seconds * slowness()
