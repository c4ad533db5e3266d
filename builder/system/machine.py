"""What the machine offers."""

from __future__ import annotations

import os


def count_cores() -> int:
    """How many cores this process may use; all of them where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
