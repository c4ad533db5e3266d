"""Write files atomically (complete, by a rename, or not at all), and lock them."""

from __future__ import annotations

import glob
import math
import os
import shutil
import stat
import sys
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import DISK_FULL_ERRORS, OutputError
from builder.system.input_files import open_input_file
from builder.system.interruption import make_interruption_check
from builder.system.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# What `tempfile` puts behind a prefix, as a pattern of `glob`.
_RANDOM_PART = "[a-z0-9_]" * 8


@contextmanager
def open_replacement(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` by a rename when the block ends without an error.

    The directory is made if it is missing. Nothing is left of the temporary path in any case.

    Raises:
        OSError: the directory cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with make_temporary_directory(".tensorboard-wheels-new-", path.parent) as workdir:
        new = workdir / path.name
        yield new
        new.replace(path)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file by a rename, in place of what was there.

    Raises:
        OSError: it cannot be written.
    """
    with open_replacement(path) as new:
        write_synced_file(new, [content])


def write_output_file(path: Path, content: bytes, option: str = "--output") -> None:
    """Write a file that the user asked for by a rename, unless it has this content already.

    Args:
        path: the path of the file, in an existing directory.
        content: the bytes of the file.
        option: the command-line option that chooses another directory, for the hint.

    Raises:
        OutputError: the directory cannot be written, or the path is no regular file.
    """
    try:
        path.parent.stat()  # one that is missing was mistyped, rather than wished for
        if not _has_content(path, content):
            replace_file(path, content)
    except OSError as error:
        raise make_output_error(path, error, option) from error


def _has_content(path: Path, content: bytes) -> bool:
    """Whether a file has this content; False if there is none.

    Raises:
        OSError: it is no regular file, such as a device, which no file must replace.
    """
    with suppress(FileNotFoundError), open_input_file(path, sys.maxsize) as file:
        return os.fstat(file.fileno()).st_size == len(content) and file.read() == content
    return False


def make_output_error(path: Path, error: OSError, option: str) -> OutputError:
    """Make the error for a path that cannot be written; `option` chooses another directory."""
    hint = f"choose another directory with {option}"
    return OutputError(
        f"{path} cannot be written: {error.strerror or error}",
        f"make room, or {hint}" if error.errno in DISK_FULL_ERRORS else hint,
    )


def write_synced_file(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write a file and sync it to disk; the path is a temporary one, to be renamed later."""
    with path.open("wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def make_temporary_directory(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """Make a temporary directory that exists as long as the block lasts.

    It is locked, so that a later run can tell one that is in use from one that a killed run left.
    Those of the same prefix that were left are removed before.

    Args:
        prefix: the first part of its name; one that nobody but us uses in that place.
        parent: where to make it; None for the system's directory for temporary files.

    Raises:
        OSError: it cannot be made.
    """
    place = Path(tempfile.gettempdir()) if parent is None else parent
    remove_abandoned_directories(prefix, place)
    while True:
        with ExitStack() as stack:
            # The lock is given back last, after the directory is removed.
            unlock = stack.enter_context(ExitStack())
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix, dir=place))
            # Before it is locked, another run may take it for one that was left, and remove it.
            try:
                handle = os.open(name, os.O_RDONLY)
            except FileNotFoundError:
                continue
            unlock.callback(os.close, handle)
            if try_lock(handle) and Path(name).is_dir():
                # Not the locked one itself: `lock_path` locks a directory that wheels are put into.
                inside = Path(name) / "d"
                inside.mkdir()
                yield inside
                return


def remove_abandoned_directories(prefix: str, parent: Path) -> None:
    """Remove the temporary directories of a prefix that killed runs of this user left.

    What is locked, or cannot be locked or removed, stays.
    """
    try:
        import fcntl
    except ImportError:
        return
    for path in parent.glob(f"{glob.escape(prefix)}{_RANDOM_PART}"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                info = os.fstat(handle)
                # What the user made by hand has the mode of the umask.
                if (info.st_uid, stat.S_IMODE(info.st_mode)) == (os.geteuid(), 0o700):
                    # Unlike `try_lock`, this fails where the file system has no locks.
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(handle)


def try_lock(handle: int) -> bool:
    """Lock an open file or directory against other processes until it is closed.

    Returns:
        False if another process has locked it. True also where there are no locks: the system has
        no flock(2), or the file system (some network file systems) does not support it.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def lock_path(path: Path, check_cancelled: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Wait for the lock on a file or directory, and hold it while the block runs.

    Args:
        path: a directory, or a file that is made if it is missing.
        check_cancelled: called while it waits; raises if the run was interrupted.

    Raises:
        OSError: it cannot be opened.
        InterruptedRunError: the process was interrupted while it waited.
    """
    check_interrupted = make_interruption_check()
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    handle = os.open(path, flags, 0o666)

    def take_lock() -> bool | None:
        if try_lock(handle):
            return True
        check_cancelled()
        check_interrupted()
        return None

    try:
        wait_for(take_lock, math.inf, every=0.01)
        yield
    finally:
        os.close(handle)
