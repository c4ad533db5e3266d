"""Credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.upload_server import CANARY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Credentials, a home of its own, and no time for long waits."""
    return {"TWINE_USERNAME": "me", "TWINE_PASSWORD": CANARY, "HOME": str(tmp_path)}


@pytest.fixture
def both_warm(stock_wheel: Callable[[str], Path]) -> None:
    """The stock wheels of 2.2.1 and 2.2.2 are in the cache: only what has to asks an index."""
    for version in ("2.2.1", "2.2.2"):
        stock_wheel(version)
