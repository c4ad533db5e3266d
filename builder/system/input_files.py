"""Read files that somebody else may have written: regular files only, of a bounded size.

A named pipe would keep us waiting, a device has no end, and a file that is larger than the memory
cannot be read at all. Each of them is an error like that of a file which is not there.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

# Bytes. Upstream's largest wheel has 6 MB, and Bazel's binary 60 MB.
MAX_WHEEL = 512 * 1024 * 1024
MAX_PROGRAM = MAX_WHEEL
# Bytes: JSON, TOML, patches, certificates. The largest of ours, the catalog, has 67 kB.
MAX_DOCUMENT = 16 * 1024 * 1024

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


class UnreadableFileError(OSError):
    """A path is no regular file, or the file is too large; `strerror` says which."""

    def __str__(self) -> str:
        """The reason alone: callers name the file."""
        return str(self.strerror)


def read_input_file(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes.

    Raises:
        OSError: it is missing, unreadable, no regular file, or larger; `strerror` says why.
    """
    with open_input_file(path, limit) as file:
        # One that grows is cut off, one in /proc has no size that fstat could tell.
        content = file.read(limit + 1)
    if len(content) > limit:
        raise _make_size_error(limit, path)
    return content


@contextmanager
def open_input_file(path: Path, limit: int) -> Iterator[BufferedReader]:
    """Open a regular file of at most `limit` bytes, and close it after the block.

    Raises:
        OSError: as `read_input_file`.
    """
    # Without O_NONBLOCK, opening a named pipe waits for a writer. Windows has neither flag.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except ValueError as error:
        why = "its name has a character that no file's name can have"
        raise UnreadableFileError(errno.EINVAL, why, str(path)) from error
    try:
        _refuse_unusual_file(os.fstat(descriptor), limit, path)
    except OSError:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _refuse_unusual_file(found: os.stat_result, limit: int, path: Path) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise UnreadableFileError(errno.EINVAL, f"it is {kind}, not a file", str(path))
    if found.st_size > limit:
        raise _make_size_error(limit, path)


def _make_size_error(limit: int, path: Path) -> UnreadableFileError:
    why = f"it is bigger than the {limit:,} bytes that this tool reads"
    return UnreadableFileError(errno.EFBIG, why, str(path))
