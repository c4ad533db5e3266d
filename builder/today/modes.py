"""The ways to run the server that count: they read the same logdir by different code.

From 2.5.0 on a separate program in Rust (`tensorboard-data-server`) reads it by default, and the
server talks to it by gRPC; without it, and in every release before, Python reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from builder.tensorboard.server import serving
from builder.today.asking import collect
from builder.today.normalise import normalise
from builder.today.reference import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FAST_SINCE = Version("2.5.0")


def modes_of(version: str) -> dict[str, tuple[str, ...]]:
    """Name of the mode → the flags that force it, for a release."""
    if Version(version) < _FAST_SINCE:
        return {"python": ()}
    return {"rust": ("--load_fast", "true"), "python": ("--load_fast", "false")}


def observe(
    script: Path,
    logdir: Path,
    room: Path,
    environ: Mapping[str, str],
    flags: tuple[str, ...],
) -> Mode:
    """Start the server in a mode, ask it everything, and read its log.

    Raises:
        CommandError: it does not start, or does not read the logdir.
    """
    with serving(script, logdir, room, environ, flags) as server:
        answers = collect(server, logdir)
        log = server.log
    return Mode(normalise(answers), exceptions(log.read_text(encoding="utf-8", errors="replace")))


def exceptions(log: str) -> tuple[str, ...]:
    """The exception line of each traceback in a log, each once, sorted."""
    found = set()
    inside = False
    for line in log.splitlines():
        if line.startswith("Traceback (most recent call last)"):
            inside = True
        elif inside and line and not line.startswith(" "):
            found.add(line)
            inside = False
    return tuple(sorted(found))
