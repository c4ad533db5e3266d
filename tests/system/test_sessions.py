"""How the session `tests` orders and splits the tests: long ones first, some alone, all of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.support import limits
from tests.support.releases import ROOT

_FILES = (
    "tests/unit/system/test_waiting.py",
    "tests/system/build/test_faults.py",
    "tests/system/build/test_build.py",
)


def _collected(*words: str) -> list[str]:
    """The tests that pytest would run, in their order."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *words],
        cwd=ROOT,
        env=kept,
        capture_output=True,
        text=True,
        check=True,
    )
    return re.findall(r"^tests/\S+::.+$", done.stdout, re.MULTILINE)


def test_long_ones_begin_first() -> None:
    """Whatever the order of the files is."""
    assert _collected(*_FILES)[0] == "tests/system/build/test_build.py::test_build_all"


def test_the_two_runs_are_all_tests() -> None:
    """Those marked alone, and all that are not; there are some of either."""
    text = (ROOT / "noxfile.py").read_text()
    assert re.findall(r'"-m", "(.*?alone)"', text) == ["not alone", "alone"]
    for marked in ("not alone", "alone"):
        assert _collected("-m", marked, *_FILES)


def test_limits_grow_with_the_time_that_a_start_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """And are never shorter than they were chosen."""
    for seconds, wanted in ((0.001, 1.0), (0.2, 10.0)):
        monkeypatch.setattr("timeit.repeat", lambda *_, s=seconds, **__: [s] * 5)
        limits.slowness.cache_clear()
        assert limits.scaled(1.0) == pytest.approx(wanted)
    limits.slowness.cache_clear()
