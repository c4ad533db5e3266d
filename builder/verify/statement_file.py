"""Read the statement beside a wheel: one regular file of a sane size, which speaks of that wheel.

A statement is a claim of whoever put it there. Nothing in it is used before its subject is known
to be the wheel: name and sha256.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from builder.errors import ProvenanceError
from builder.provenance.claims import parse_statement
from builder.provenance.statements import get_provenance_path
from builder.system.input_files import UnreadableFileError, read_input_file

if TYPE_CHECKING:
    from pathlib import Path

    from builder.provenance.claims import Claim

# Bytes. That of 2.2.1 has 31 kB; with many commits or a comparison it has a few times that.
MAX_STATEMENT = 4 * 1024 * 1024
_BUILD_AGAIN = "build the wheel again"


class StatementFile(NamedTuple):
    """A statement: the bytes of its file, and what they claim."""

    content: bytes
    claim: Claim


def read_statement_bytes(wheel: Path) -> bytes | None:
    """Read the bytes of the statement beside a wheel; None if there is no such file.

    Raises:
        ProvenanceError: it cannot be read, is no regular file, or has more than `MAX_STATEMENT`
            bytes.
    """
    path = get_provenance_path(wheel)
    try:
        return read_input_file(path, MAX_STATEMENT)
    except FileNotFoundError:
        return None
    except UnreadableFileError as error:
        raise ProvenanceError(
            f"{path} is no statement of ours: {error}", f"remove it; {_BUILD_AGAIN}"
        ) from error
    except OSError as error:
        raise ProvenanceError(f"{path} cannot be read: {error.strerror}", _BUILD_AGAIN) from error


def read_statement_file(wheel: Path, sha256: str) -> StatementFile | None:
    """Read the statement beside a wheel; None if there is none.

    Args:
        wheel: the wheel's file.
        sha256: the sha256 of the wheel's bytes, in hex.

    Raises:
        ProvenanceError: it cannot be read, is malformed, or speaks of another file.
    """
    content = read_statement_bytes(wheel)
    if content is None:
        return None
    claim = parse_statement(content, get_provenance_path(wheel).name)
    refuse_other_file(claim, wheel.name, sha256)
    return StatementFile(content, claim)


def refuse_other_file(claim: Claim, filename: str, sha256: str) -> None:
    """Refuse a statement that speaks of another file than the one with this name and sha256.

    Raises:
        ProvenanceError: it does.
    """
    if (claim.filename, claim.sha256) != (filename, sha256):
        raise ProvenanceError(
            f"{filename} is not the file that its provenance speaks of (sha256 {sha256})",
            "do not use it; build it again",
        )
