"""What the tests share: real stock wheels through the real cache, and the real program."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from builder.git.git_environment import remove_git_variables
from builder.system.settings import read_user_settings
from tests.support.index_server import ServedFiles, serving
from tests.support.needs import STRICT
from tests.support.releases import CATALOG, ROOT, stock_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from builder.model import Release
    from tests.support.cli import Finished, RunBuilder
    from tests.support.upstream import StandIn

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
def run_builder(tmp_path: Path) -> RunBuilder:
    """Run `python -m builder …` as a user does, in a directory of its own."""

    def run(
        *words: str, env: dict[str, str] | None = None, python: Sequence[str] = (sys.executable,)
    ) -> Finished:
        return subprocess.run(
            [*python, "-m", "builder", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    """The stand-in for upstream's repository, made once for all workers; not to be changed."""
    from tests.support.upstream import StandIn, make_upstream

    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    made = root / "upstream.json"
    with (root / "upstream.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_text(json.dumps(make_upstream(root / "upstream.git").commits))
    return StandIn(root / "upstream.git", json.loads(made.read_text()))


@pytest.fixture
def own_cache(tmp_path: Path) -> Path:
    """An XDG_CACHE_HOME with the stock wheels in it and no mirror of any repository."""
    ours = tmp_path / "xdg" / "tensorboard-proxy-wheels"
    ours.mkdir(parents=True)
    theirs = read_user_settings(os.environ).cache / "sha256"
    theirs.mkdir(parents=True, exist_ok=True)
    (ours / "sha256").symlink_to(theirs)
    return tmp_path / "xdg"


@pytest.fixture
def as_pinned() -> Iterator[dict[str, str]]:
    """Settings for an index that is just as the catalog says, whatever upstream releases today."""
    served = ServedFiles(pinned=[w for r in CATALOG.releases for w in r.wheels])
    with serving(served) as place:
        yield {"PIP_INDEX_URL": f"http://{place}/simple"}


@pytest.fixture
def warm(stock_wheel: Callable[[str], Path]) -> None:
    """2.2.1's stock wheel is in the cache, so that only tests that want the network use it."""
    stock_wheel("2.2.1")
