"""What makes a unit test one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.isolation import isolated

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _starts_nothing() -> Iterator[None]:
    """No program, no connection, but for a stock wheel that is not in the cache yet."""
    with isolated():
        yield
