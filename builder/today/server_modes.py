"""The modes of the server that are tested: they read the same logdir by different code.

From 2.5.0 on a separate program in Rust (`tensorboard-data-server`) reads it by default, and
the server talks to it by gRPC; without it, and in every release before, Python reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from builder.tensorboard.server import run_tensorboard
from builder.today.collector import collect_responses
from builder.today.normalise import normalise_responses
from builder.today.reference import ModeRecord

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FAST_SINCE = Version("2.5.0")


def list_server_modes(version: str) -> dict[str, tuple[str, ...]]:
    """Return a release's modes: name → the flags that force it."""
    if Version(version) < _FAST_SINCE:
        return {"python": ()}
    return {"rust": ("--load_fast", "true"), "python": ("--load_fast", "false")}


def observe_mode(
    script: Path,
    logdir: Path,
    workdir: Path,
    env: Mapping[str, str],
    flags: tuple[str, ...],
) -> ModeRecord:
    """Start the server in a mode, collect every response, and read its log.

    Raises:
        CommandError: it does not start, or does not read the logdir.
    """
    with run_tensorboard(script, logdir, workdir, env, flags) as server:
        responses = collect_responses(server, logdir)
        log = server.log
    return ModeRecord(
        normalise_responses(responses),
        find_exceptions(log.read_text(encoding="utf-8", errors="replace")),
    )


def find_exceptions(log: str) -> tuple[str, ...]:
    """Find the exception line of each traceback in a log; each once, sorted."""
    found = set()
    in_traceback = False
    for line in log.splitlines():
        if line.startswith("Traceback (most recent call last)"):
            in_traceback = True
        elif in_traceback and line and not line.startswith(" "):
            found.add(line)
            in_traceback = False
    return tuple(sorted(found))
