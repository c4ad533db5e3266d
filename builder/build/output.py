"""Write a wheel and its provenance to the output directory: either both appear, or neither."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import OutputError, ProvenanceError
from builder.provenance.claims import has_same_claims
from builder.provenance.statements import get_provenance_path
from builder.system.files import (
    lock_path,
    make_output_error,
    make_temporary_directory,
    write_synced_file,
)
from builder.system.input_files import MAX_WHEEL, open_input_file
from builder.verify.statement_file import read_statement_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Placement(StrEnum):
    """What was done with a wheel in the output directory."""

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

    Both are written to a temporary directory first, so that a full disk, a signal or an error
    leaves the output directory as it was. Then the provenance is renamed, and the wheel last.

    Args:
        target: the wheel's path.
        pieces: the wheel's bytes, in pieces.
        sha256: the sha256 of those bytes, in hex.
        provenance: the bytes of the wheel's statement, which is put in the same directory.
        force: replace a different wheel of that name.
        check_cancelled: called before the renames; raises if the run was interrupted.

    Raises:
        OutputError: a different file of that name exists, or the directory cannot be written.
    """
    provenance_path = get_provenance_path(target)
    try:
        if _is_placed(target, sha256, provenance, force=force):
            return Placement.ALREADY_THERE
        target.parent.mkdir(parents=True, exist_ok=True)
        with make_temporary_directory(".tensorboard-wheels-building-", target.parent) as name:
            new_wheel = Path(name) / target.name
            new_provenance = Path(name) / provenance_path.name
            write_synced_file(new_wheel, pieces)
            write_synced_file(new_provenance, [provenance])
            check_cancelled()
            with lock_path(target.parent, check_cancelled):
                # A parallel run may have been faster.
                if _is_placed(target, sha256, provenance, force=force):
                    return Placement.ALREADY_THERE
                placement = Placement.REPLACED if target.exists() else Placement.WRITTEN
                _rename_into_place(new_wheel, target, new_provenance, provenance_path)
                return placement
    except OSError as error:
        raise make_output_error(target, error, "--output") from error


def _is_placed(target: Path, sha256: str, provenance: bytes, *, force: bool) -> bool:
    """Whether this wheel and a statement with the same claims exist already.

    Raises:
        OutputError: a different wheel exists, and `force` is not set.
    """
    if force:
        return False
    existing = _hash_file(target)
    if existing not in (None, sha256):
        raise _make_output_error(target)
    if existing is None:
        return False
    existing_provenance = _read_previous_statement(target)
    return existing_provenance is not None and has_same_claims(existing_provenance, provenance)


def _read_previous_statement(wheel: Path) -> bytes | None:
    """Read the statement that is there; None also of what is no statement, which is replaced."""
    try:
        return read_statement_bytes(wheel)
    except ProvenanceError:
        return None


def _rename_into_place(
    new_wheel: Path, wheel: Path, new_provenance: Path, provenance: Path
) -> None:
    previous = _read_previous_statement(wheel)
    new_provenance.replace(provenance)
    try:
        new_wheel.replace(wheel)
    except BaseException:
        # The wheel was not renamed, so its statement must not stay.
        if previous is None:
            provenance.unlink(missing_ok=True)
        else:
            write_synced_file(new_provenance, [previous])
            new_provenance.replace(provenance)
        raise


def _make_output_error(target: Path) -> OutputError:
    return OutputError(
        f"{target} is there already and has other content",
        "--force replaces it; --build-tag N or --output DIR keep both",
    )


def _hash_file(path: Path) -> str | None:
    with suppress(FileNotFoundError), open_input_file(path, MAX_WHEEL) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return None
