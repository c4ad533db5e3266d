"""What makes a unit test one: it starts no program, and opens no connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.isolation import isolate

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """When a module is imported."""
    with isolate():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    """When fixtures of any scope are made."""
    with isolate():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """When a test runs."""
    with isolate():
        return (yield)
