"""Versions of Python as a user may name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.errors import RequestError
from builder.system.pythons import PythonFinder
from tests.support.pythons import hidden

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("version", ["2.7", "3", "python3.11", "--help", "3.11; rm", "3.111"])
def test_what_is_no_version_is_refused(version: str, tmp_path: Path) -> None:
    """Before it reaches any program."""
    with pytest.raises(RequestError, match="is no version of Python 3"):
        PythonFinder(hidden(tmp_path)).find_python(version)
