"""Explain errors that nobody has explained: a full disk and the like, else a fault of ours."""

from __future__ import annotations

import errno
import os
import tempfile
from typing import TYPE_CHECKING

from builder.errors import (
    DISK_FULL_ERRORS,
    BuilderError,
    OutputError,
    RequestError,
    to_internal_error,
)
from builder.system.known_secrets import hide_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_PLACE = 300  # characters
# Errors that the user's paths cause, wherever they are used.
_PATH_ERRORS = frozenset(
    {
        errno.EACCES,
        errno.EEXIST,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ENXIO,
        errno.EPERM,
        errno.EROFS,
    }
)


def explain_unexpected_error(
    error: Exception, redact: Callable[[str], str] = hide_secrets
) -> BuilderError:
    """Make the error for the user: the machine's in words, else a fault of ours.

    Args:
        error: the exception that was raised.
        redact: removes secrets from its text.
    """
    if isinstance(error, BuilderError):
        return error
    explained = None
    if isinstance(error, OSError):
        explained = _explain_machine_error(error, _find_temporary_directory())
    if explained is None:
        return to_internal_error(error, redact)
    explained.__cause__ = error
    return explained


def _find_temporary_directory() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:  # none can be written
        return os.environ.get("TMPDIR", "/tmp")  # noqa: S108 - only for a message


def _explain_machine_error(error: OSError, temporary: str) -> BuilderError | None:
    """Explain an error of the file system that no package has explained.

    Args:
        error: the exception that was raised.
        temporary: the directory of temporary files.

    Returns:
        The error for the user; None if it is not about files.
    """
    place = str(error.filename or temporary)[:_LONGEST_PLACE]
    if error.errno in DISK_FULL_ERRORS:
        return OutputError(
            f"{place} cannot be written: {error.strerror}",
            f"make room; TMPDIR names another directory than {temporary} for temporary files",
        )
    if error.errno in _PATH_ERRORS and error.filename is not None:
        return RequestError(
            f"{place} cannot be used: {error.strerror}",
            "name another path; --debug shows where it is used",
        )
    if error.errno == errno.ENOENT:  # as tempfile.gettempdir raises it
        return RequestError(
            f"there is no directory for temporary files: {error.strerror}",
            "set TMPDIR to a directory that can be written",
        )
    return None
