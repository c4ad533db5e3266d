"""Processes, counted without the help of what is tested."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil

from builder.system.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path


def named(workdir: Path) -> list[str]:
    """The command lines of processes whose environment names the room, by our own count.

    One that becomes another program has no environment for that moment, and is not among them.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and str(workdir) in str(process.environ()):
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            pass  # gone, or somebody else's
    return found


def wait_until_ended(workdir: Path, seconds: float) -> list[str]:
    """Wait for the end of those processes; gives the command lines of what is left."""
    wait_for(lambda: named(workdir) == [] or None, seconds)
    return named(workdir)
