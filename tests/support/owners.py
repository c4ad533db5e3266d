"""Files of other users, and umasks."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.needs import lacking

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STRANGER = 4002


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """The process's umask during the block."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def give_away(path: Path) -> None:
    """Make a path a stranger's, and not what it leads to."""
    if os.geteuid() != 0:
        lacking("only root can give files to another user; run it as root")
    os.chown(path, STRANGER, STRANGER, follow_symlinks=False)
