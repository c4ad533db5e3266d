"""The output directory: a wheel and its provenance appear together by renames, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from builder.claims import agree
from builder.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_FULL = (errno.ENOSPC, errno.EDQUOT)
PROVENANCE_SUFFIX = ".provenance.json"


class Placement(StrEnum):
    """What became of a wheel."""

    WRITTEN = "written"
    REPLACED = "replaced"
    ALREADY_THERE = "already there"


def provenance_path(wheel: Path) -> Path:
    """Where the provenance of a wheel lies: beside it."""
    return wheel.with_name(wheel.name + PROVENANCE_SUFFIX)


def place(
    target: Path,
    pieces: Iterable[bytes | memoryview],
    sha256: str,
    provenance: bytes,
    *,
    force: bool,
    check_cancelled: Callable[[], None],
) -> Placement:
    """Put a wheel and its provenance into the output directory.

    Both are written under temporary names first, so that a full disk, a signal or an error leaves
    the directory as it was; then the provenance is renamed, the wheel last.

    Args:
        target: the wheel's path.
        pieces: the wheel's bytes.
        sha256: of those bytes, in hex.
        provenance: the statement that goes beside it.
        force: replace a different wheel of that name.
        check_cancelled: called before the renames; raises when the run was interrupted.

    Raises:
        OutputError: another file of that name is there, or the directory cannot be written.
    """
    beside = provenance_path(target)
    try:
        if _settled(target, sha256, provenance, force=force):
            return Placement.ALREADY_THERE
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as name:
            new_wheel = Path(name) / target.name
            new_provenance = Path(name) / beside.name
            _write(new_wheel, pieces)
            _write(new_provenance, [provenance])
            check_cancelled()
            with _exclusive(target.parent):
                # A parallel run may have been faster.
                if _settled(target, sha256, provenance, force=force):
                    return Placement.ALREADY_THERE
                placement = Placement.REPLACED if target.exists() else Placement.WRITTEN
                _commit(new_wheel, target, new_provenance, beside)
                return placement
    except OSError as error:
        raise _refused(target, error, "--output") from error


def place_beside(path: Path, content: bytes, option: str = "--output") -> None:
    """Put a file beside what it belongs to, by a rename; what it was before is replaced.

    Args:
        path: of the file, in a directory that is there.
        content: of the file.
        option: by which the user chooses another directory.

    Raises:
        OutputError: the directory cannot be written.
    """
    try:
        if path.is_file() and path.read_bytes() == content:
            return
        with tempfile.TemporaryDirectory(prefix=".building-", dir=path.parent) as room:
            new = Path(room) / path.name
            _write(new, [content])
            new.replace(path)
    except OSError as error:
        raise _refused(path, error, option) from error


def _refused(path: Path, error: OSError, option: str) -> OutputError:
    hint = f"choose another directory with {option}"
    return OutputError(
        f"{path} cannot be written: {error.strerror or error}",
        f"make room, or {hint}" if error.errno in _FULL else hint,
    )


def _settled(target: Path, sha256: str, provenance: bytes, *, force: bool) -> bool:
    """Whether wheel and statement are there already.

    Raises:
        OutputError: another wheel is there, and nobody said that it may be replaced.
    """
    existing = _sha256(target)
    if existing not in (None, sha256) and not force:
        raise _different(target)
    if existing != sha256 or force:
        return False
    try:
        return agree(provenance_path(target).read_bytes(), provenance)
    except FileNotFoundError:
        return False


@contextmanager
def _exclusive(directory: Path) -> Iterator[None]:
    """Keep other runs from this directory, where the system has such locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        with suppress(OSError):  # network file systems may have none
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _commit(new_wheel: Path, wheel: Path, new_beside: Path, beside: Path) -> None:
    previous = beside.read_bytes() if beside.exists() else None
    new_beside.replace(beside)
    try:
        new_wheel.replace(wheel)
    except BaseException:
        # The wheel did not appear: neither may a statement that speaks of it.
        if previous is None:
            beside.unlink(missing_ok=True)
        else:
            _write(new_beside, [previous])
            new_beside.replace(beside)
        raise


def _different(target: Path) -> OutputError:
    return OutputError(
        f"{target} is there already and has other content",
        "--force replaces it; --build-tag N or --output DIR keep both",
    )


def _write(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    with path.open("wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def _sha256(path: Path) -> str | None:
    with suppress(FileNotFoundError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return None
