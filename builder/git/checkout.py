"""The commit of a checkout, for provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder import command
from builder.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT = 20.0


def describe_checkout(root: Path) -> str | None:
    """The commit of a checkout, with `-dirty` behind it where tracked files differ.

    Returns:
        40 hex digits, perhaps with `-dirty`; None where `root` is no checkout, has no commit yet,
        or there is no git.
    """
    if not (root / ".git").exists():
        return None
    # No tag can match, so that the answer is always the full commit.
    words = [
        "git",
        "-C",
        str(root),
        "describe",
        "--always",
        "--abbrev=40",
        "--dirty",
        "--exclude=*",
    ]
    try:
        return command.run(words, timeout=_TIMEOUT).strip()
    except CommandError:
        return None
