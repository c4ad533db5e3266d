"""What all tests share: how they run, and real stock wheels through the real cache."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from builder.git.git_environment import remove_git_variables
from builder.system import interruption
from tests.support.needs import STRICT
from tests.support.releases import CATALOG, stock_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.model import Release

# A shell's background job ignores Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# As the program does at its start: a hook that runs the tests has GIT_DIR set.
remove_git_variables(os.environ)

# Shared runners stall now and then; an example's wall time says nothing about our code. CI looks
# at the same examples every time, and blames no change for what it did not do.
settings.register_profile(
    "ours",
    deadline=None,
    derandomize=STRICT in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("ours")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those marked long come first, so that in the end nobody waits for one of them."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was skipped, a line for each reason, instead of a line for each test."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    if reasons:
        terminalreporter.section("skipped, and why")
    for why, count in reasons.most_common():
        terminalreporter.line(f"{count:4} {why}")


@pytest.fixture(scope="session")
def release() -> Callable[[str], Release]:
    """Version → the catalog's release."""

    def find(version: str) -> Release:
        found = CATALOG.find_release(version)
        assert found is not None, version
        return found

    return find


@pytest.fixture(scope="session")
def stock_wheel(release: Callable[[str], Release]) -> Callable[[str], Path]:
    """Version → the path of its real stock wheel (named by its sha256, as the cache does)."""
    return lambda version: stock_path(release(version).wheel)


@pytest.fixture
def no_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test records as an interruption is none for those that follow in this process."""
    monkeypatch.setattr(interruption, "_count", 0)


@pytest.fixture
def warm(stock_wheel: Callable[[str], Path]) -> None:
    """2.2.1's stock wheel is in the cache, so that only tests that want the network use it."""
    stock_wheel("2.2.1")
