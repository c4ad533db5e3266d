"""Write files atomically: complete, by a rename, or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable

_DISK_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT)


def write_file_atomically(path: Path, content: bytes, option: str = "--output") -> None:
    """Write a file by a rename; an existing file with other content is replaced.

    Args:
        path: the path of the file, in an existing directory.
        content: the bytes of the file.
        option: the command-line option that chooses another directory, for the hint.

    Raises:
        OutputError: the directory cannot be written.
    """
    try:
        if path.is_file() and path.read_bytes() == content:
            return
        with tempfile.TemporaryDirectory(prefix=".building-", dir=path.parent) as workdir:
            new = Path(workdir) / path.name
            write_synced_file(new, [content])
            new.replace(path)
    except OSError as error:
        raise make_output_error(path, error, option) from error


def make_output_error(path: Path, error: OSError, option: str) -> OutputError:
    """Make the error for a path that cannot be written; `option` chooses another directory."""
    hint = f"choose another directory with {option}"
    return OutputError(
        f"{path} cannot be written: {error.strerror or error}",
        f"make room, or {hint}" if error.errno in _DISK_FULL_ERRORS else hint,
    )


def write_synced_file(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write a file and sync it to disk; the path is a temporary one, to be renamed later."""
    with path.open("wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
