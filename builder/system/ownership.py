"""Decide whether what lies in the cache can be believed: only the user may have written it.

That is so where the user or root owns it, and every directory from the cache's own down to it, and
where neither group nor others may write to any of these; a sticky bit excuses nothing. Owner and
mode are read from what was opened (`fstat`), a step at a time from the cache's directory and
without following symbolic links, so that what was checked is what is read.

POSIX ACLs show in the group bits of the mode (acl(5)). Not looked at: the directories that lead to
the cache, ACLs of NFSv4 and macOS, and further names of a file (hard links): nobody may write
through one who may not write to the file. Where files have no owner (Windows), all is believed.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ROOT_USER = 0
_HAS_OWNERS = hasattr(os, "geteuid") and os.open in os.supports_dir_fd
_PRIVATE_DIRECTORY, _PRIVATE_FILE = 0o700, 0o600


class UntrustedPathError(Exception):
    """Somebody else may have written a file or directory.

    Attributes:
        reason: what is wrong, with the path.
        remedy: what to do about it, with a command.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def read_trusted_file(root: Path, path: Path) -> bytes:
    """Read a file, if only the user may have written it.

    Args:
        root: the cache's directory, from which on owners and modes are checked.
        path: a file below `root`.

    Raises:
        UntrustedPathError: somebody else may have written it, or it is no regular file.
        OSError: it cannot be read.
    """
    if not _HAS_OWNERS:
        return path.read_bytes()
    with _open_trusted(root, path) as handle:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _make_error(path, "is no regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read()


def check_trusted_directory(root: Path, path: Path, *, recursive: bool = False) -> None:
    """Check that only the user may have written a directory, and perhaps all that is in it.

    Args:
        root: the cache's directory, from which on owners and modes are checked.
        path: `root` itself or a directory below it.
        recursive: check everything in the directory, too.

    Raises:
        UntrustedPathError: somebody else may have written it.
        OSError: it cannot be opened.
    """
    if not _HAS_OWNERS:
        return
    with _open_trusted(root, path) as handle:
        if not recursive:
            return
        for directory, directories, files, inner in os.fwalk(dir_fd=handle):
            for name in (*directories, *files):
                with suppress(FileNotFoundError):  # another run has removed it
                    info = os.stat(name, dir_fd=inner, follow_symlinks=False)
                    _check_owner_and_mode(path / directory / name, info)


def make_private_directory(path: Path) -> None:
    """Make a directory, and those above it that are missing, for the user alone (mode 0700).

    Raises:
        OSError: one cannot be made.
    """
    try:
        path.mkdir(mode=_PRIVATE_DIRECTORY, exist_ok=True)
    except FileNotFoundError:
        make_private_directory(path.parent)
        path.mkdir(mode=_PRIVATE_DIRECTORY, exist_ok=True)


def write_private_file(path: Path, content: bytes) -> None:
    """Write a new file for the user alone (mode 0600); the path is temporary, to be renamed later.

    Raises:
        OSError: it cannot be written, or is there already.
    """
    path.touch(mode=_PRIVATE_FILE, exist_ok=False)
    path.write_bytes(content)


@contextmanager
def _open_trusted(root: Path, path: Path) -> Iterator[int]:
    """Open a file or directory, after a check of each directory from `root` to it."""
    if root.is_symlink():  # the user may keep the cache elsewhere, and nobody else may say where
        _check_owner(root, root.lstat())
    # A FIFO must not hold us up.
    flags = os.O_RDONLY | os.O_NONBLOCK
    place, handle = root, os.open(root, flags)
    try:
        _check_owner_and_mode(root, os.fstat(handle))
        for part in path.relative_to(root).parts:
            place /= part
            try:
                inner = os.open(part, flags | os.O_NOFOLLOW, dir_fd=handle)
            except OSError as error:
                if error.errno == errno.ELOOP:
                    raise _make_error(place, "is a symbolic link") from error
                raise
            os.close(handle)
            handle = inner
            _check_owner_and_mode(place, os.fstat(handle))
        yield handle
    finally:
        os.close(handle)


def _check_owner_and_mode(path: Path, info: os.stat_result) -> None:
    _check_owner(path, info)
    if stat.S_ISLNK(info.st_mode):
        raise _make_error(path, "is a symbolic link")
    if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UntrustedPathError(
            f"others may write to {path} (mode {stat.S_IMODE(info.st_mode):04o})",
            f"if nobody else did: chmod -R go-w {shlex.quote(str(path))}; else remove it",
        )


def _check_owner(path: Path, info: os.stat_result) -> None:
    if info.st_uid not in (os.geteuid(), _ROOT_USER):
        raise _make_error(path, f"belongs to user {info.st_uid}")


def _make_error(path: Path, what: str) -> UntrustedPathError:
    return UntrustedPathError(
        f"{path} {what}",
        f"set XDG_CACHE_HOME to a directory of yours, or remove it: rm -r {shlex.quote(str(path))}",
    )
