"""The output directory: a wheel and its provenance appear together by renames, or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import OutputError
from builder.provenance.claims import has_same_claims
from builder.provenance.statements import get_provenance_path
from builder.system.files import make_output_error, write_synced_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Placement(StrEnum):
    """What became of a wheel."""

    WRITTEN = "written"
    REPLACED = "replaced"
    ALREADY_THERE = "already there"


def place_wheel(
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
    beside = get_provenance_path(target)
    try:
        if _is_placed(target, sha256, provenance, force=force):
            return Placement.ALREADY_THERE
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as name:
            new_wheel = Path(name) / target.name
            new_provenance = Path(name) / beside.name
            write_synced_file(new_wheel, pieces)
            write_synced_file(new_provenance, [provenance])
            check_cancelled()
            with _lock_directory(target.parent):
                # A parallel run may have been faster.
                if _is_placed(target, sha256, provenance, force=force):
                    return Placement.ALREADY_THERE
                placement = Placement.REPLACED if target.exists() else Placement.WRITTEN
                _rename_into_place(new_wheel, target, new_provenance, beside)
                return placement
    except OSError as error:
        raise make_output_error(target, error, "--output") from error


def _is_placed(target: Path, sha256: str, provenance: bytes, *, force: bool) -> bool:
    """Whether wheel and statement are there already.

    Raises:
        OutputError: another wheel is there, and nobody said that it may be replaced.
    """
    existing = _hash_file(target)
    if existing not in (None, sha256) and not force:
        raise _make_output_error(target)
    if existing != sha256 or force:
        return False
    try:
        return has_same_claims(get_provenance_path(target).read_bytes(), provenance)
    except FileNotFoundError:
        return False


@contextmanager
def _lock_directory(directory: Path) -> Iterator[None]:
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


def _rename_into_place(new_wheel: Path, wheel: Path, new_beside: Path, beside: Path) -> None:
    previous = beside.read_bytes() if beside.exists() else None
    new_beside.replace(beside)
    try:
        new_wheel.replace(wheel)
    except BaseException:
        # The wheel did not appear: neither may a statement that speaks of it.
        if previous is None:
            beside.unlink(missing_ok=True)
        else:
            write_synced_file(new_beside, [previous])
            new_beside.replace(beside)
        raise


def _make_output_error(target: Path) -> OutputError:
    return OutputError(
        f"{target} is there already and has other content",
        "--force replaces it; --build-tag N or --output DIR keep both",
    )


def _hash_file(path: Path) -> str | None:
    with suppress(FileNotFoundError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return None
