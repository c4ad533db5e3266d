"""Series that a test may spoil."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.series import PATCHES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the proxy series to spoil."""
    return shutil.copytree(PATCHES / "proxy", tmp_path / "proxy")
