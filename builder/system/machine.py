"""Properties of the machine."""

from __future__ import annotations

import os


def count_cores() -> int:
    """Count the cores that this process may use; all cores if the system does not tell."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
