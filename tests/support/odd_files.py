"""What may stand where a file is expected: no file at all, one without an end, or nonsense."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_DEPTH = 200_000


def _make_huge(path: Path) -> None:
    """A terabyte that takes no room (a sparse file)."""
    with path.open("wb") as file:
        file.truncate(1 << 40)


# Name → makes one at a path where nothing is.
ODD_FILES: dict[str, Callable[[Path], object]] = {
    "fifo": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "directory": lambda path: path.mkdir(),
    "loop": lambda path: path.symlink_to(path),
    "dangling": lambda path: path.symlink_to("/nowhere/at-all"),
    "huge": _make_huge,
    "empty": lambda path: path.touch(),
    "binary": lambda path: path.write_bytes(b"\xff\xfe\0\x80"),
    "number": lambda path: path.write_bytes(b"1"),
    "deep JSON": lambda path: path.write_bytes(b"[" * _DEPTH),
    "deep objects": lambda path: path.write_bytes(b'{"a":' * _DEPTH),
    "deep TOML": lambda path: path.write_bytes(b"a=" + b"[" * _DEPTH),
}
