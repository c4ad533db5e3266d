"""How the session `tests` orders and splits the tests: long ones first, some alone, all of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys

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
