"""The output directory: a wheel and its provenance appear together by renames, or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
    try:
        existing = _sha256(target)
        beside = provenance_path(target)
        if existing == sha256 and beside.exists():
            return Placement.ALREADY_THERE
        if existing not in (None, sha256) and not force:
            raise _different(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as name:
            new_wheel = Path(name) / target.name
            new_provenance = Path(name) / beside.name
            _write(new_wheel, pieces)
            _write(new_provenance, [provenance])
            check_cancelled()
            _commit(new_wheel, target, new_provenance, beside, replace=force or existing == sha256)
    except OSError as error:
        raise OutputError(
            f"{target} cannot be written: {error.strerror or error}",
            "make room or choose another directory with --output",
        ) from error
    return Placement.WRITTEN if existing is None else Placement.REPLACED


def _commit(new_wheel: Path, wheel: Path, new_beside: Path, beside: Path, *, replace: bool) -> None:
    previous = beside.read_bytes() if beside.exists() else None
    new_beside.replace(beside)
    try:
        if replace:
            new_wheel.replace(wheel)
        else:
            _link(new_wheel, wheel)
    except BaseException:
        # The wheel did not appear: neither may a statement that speaks of it.
        if previous is None:
            beside.unlink(missing_ok=True)
        else:
            _write(new_beside, [previous])
            new_beside.replace(beside)
        raise


def _link(source: Path, target: Path) -> None:
    """Rename that refuses to replace: a parallel run may have been faster."""
    try:
        os.link(source, target)
    except FileExistsError:
        if _sha256(target) != _sha256(source):
            raise _different(target) from None
    except OSError:  # a file system without hard links
        source.replace(target)


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
