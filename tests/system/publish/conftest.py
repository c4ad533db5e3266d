"""Stock wheels that are there, and credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.upload_server import CANARY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def _warm(stock_wheel: Callable[[str], Path]) -> None:
    """Only tests that want the network use it for these."""
    for version in ("2.2.1", "2.2.2"):
        stock_wheel(version)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Credentials, a home of its own, and no time for long waits."""
    return {"TWINE_USERNAME": "me", "TWINE_PASSWORD": CANARY, "HOME": str(tmp_path)}
