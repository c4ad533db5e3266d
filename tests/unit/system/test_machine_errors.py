"""builder.system.machine_errors: what the machine refuses is no fault of ours."""

from __future__ import annotations

import errno
import os
import tempfile

import pytest

from builder.errors import BuilderError, OutputError, RequestError
from builder.system.machine_errors import explain_unexpected_error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_of_temporary_files_is_named(number: int) -> None:
    """A write that fails tells no name: all other directories have errors of their own."""
    error = explain_unexpected_error(OSError(number, os.strerror(number)))
    assert isinstance(error, OutputError)
    assert tempfile.gettempdir() in error.message
    assert "TMPDIR" in error.hint


def test_a_path_that_cannot_be_used_is_named() -> None:
    """Wherever it was used; a name of some thousand characters is cut."""
    error = explain_unexpected_error(OSError(errno.ENAMETOOLONG, "File name too long", "x" * 5000))
    assert isinstance(error, RequestError)
    assert error.message.startswith("xxx")
    assert error.message.endswith("File name too long")
    assert len(error.message) < 400


@pytest.mark.parametrize("error", [KeyError("x"), OSError(errno.ECONNRESET, "reset"), OSError()])
def test_anything_else_is_a_fault_of_ours(error: Exception) -> None:
    """A connection that ends is to be explained where it is used."""
    explained = explain_unexpected_error(error)
    assert (type(explained), explained.exit_code) == (BuilderError, 1)
    assert explained.__cause__ is error
