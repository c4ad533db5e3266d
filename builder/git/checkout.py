"""The commit of a checkout, for provenance."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from builder import command
from builder.errors import CommandError
from builder.git.surroundings import local_variables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TIMEOUT = 20.0


def describe_checkout(root: Path) -> str | None:
    """The commit of a checkout, with `-dirty` behind it where tracked files differ.

    Nothing runs that the checkout's or the user's configuration names: no hook, no file system
    monitor, no filter. So a file that is stored otherwise than it lies there (as git-lfs does)
    counts as different.

    Returns:
        40 hex digits, perhaps with `-dirty`; None where `root` is no checkout, has no commit yet,
        or there is no git.
    """
    if not (root / ".git").exists():
        return None
    git = ["git", "-C", str(root)]
    env = {**os.environ, **local_variables()}
    # A filter without commands leaves a file as it is; one that is required would fail.
    off = {"clean": "", "smudge": "", "process": "", "required": "false"}
    filters = [(f"{name}.{key}", v) for name in _filters(git, env) for key, v in off.items()]
    # No tag can match, so that the answer is always the full commit.
    words = [*git, "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        return command.run(words, timeout=_TIMEOUT, env={**env, **local_variables(filters)}).strip()
    except CommandError:
        return None


def _filters(git: Sequence[str], env: Mapping[str, str]) -> set[str]:
    """The filters that the checkout's or the user's configuration names: `filter.lfs`."""
    words = [*git, "config", "--null", "--name-only", "--get-regexp", r"^filter\."]
    try:
        names = command.run(words, timeout=_TIMEOUT, env=env)
    except CommandError:  # exit code 1: there are none
        return set()
    return {name.rpartition(".")[0] for name in names.split("\0") if name}
