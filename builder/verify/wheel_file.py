"""Read a wheel and the statement beside it once, so that all who judge them see the same bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import ProvenanceError, WheelError
from builder.system.input_files import MAX_WHEEL, read_input_file
from builder.verify.statement_file import StatementFile, read_statement_file

if TYPE_CHECKING:
    from pathlib import Path


class WheelFile(NamedTuple):
    """A wheel and the statement beside it.

    Attributes:
        path: the wheel's path; what lies there now may be another file.
        content: its bytes.
        sha256: their sha256, in hex.
        statement: the statement beside it, which speaks of these bytes, or None.
        refusal: why the statement beside it is not used, or None.
    """

    path: Path
    content: bytes
    sha256: str
    statement: StatementFile | None
    refusal: ProvenanceError | None

    @property
    def name(self) -> str:
        """The wheel's file name."""
        return self.path.name


def read_wheel_file(path: Path) -> WheelFile:
    """Read a wheel and the statement beside it.

    Raises:
        WheelError: the wheel cannot be read.
    """
    content = read_wheel(path)
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        return WheelFile(path, content, sha256, read_statement_file(path, sha256), None)
    except ProvenanceError as error:
        return WheelFile(path, content, sha256, None, error)


def read_wheel(path: Path) -> bytes:
    """Read a wheel's bytes.

    Raises:
        WheelError: the file cannot be read.
    """
    try:
        return read_input_file(path, MAX_WHEEL)
    except OSError as error:
        raise WheelError(f"{path} cannot be read: {error.strerror}", "name a wheel file") from error
