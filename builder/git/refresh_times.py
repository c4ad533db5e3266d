"""When all branches and tags of a repository were fetched last: a file of the mirror for each."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from builder.system.files import open_replacement
from builder.system.ownership import write_private_file

if TYPE_CHECKING:
    from pathlib import Path


def write_refresh_time(mirror: Path, key: str) -> None:
    """Write that the refs of `key` (`upstream`, `pull-N` or a remote's key) were fetched now.

    Raises:
        OSError: the mirror cannot be written.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with open_replacement(_get_path(mirror, key)) as new:
        write_private_file(new, now.encode())


def describe_refresh_time(mirror: Path, key: str) -> str:
    """Describe when they were, in words."""
    with suppress(OSError, ValueError):
        time = datetime.fromisoformat(_get_path(mirror, key).read_text(encoding="ascii"))
        return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return "a time that was not recorded"


def _get_path(mirror: Path, key: str) -> Path:
    return mirror / f"refreshed-{key}"
