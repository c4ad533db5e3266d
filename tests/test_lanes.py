"""How the tests themselves are run: some first, some alone, none not at all."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests import limits
from tests.conftest import ROOT
from tests.needs import STRICT

_FILES = ("tests/test_cli.py", "tests/test_cli_faults.py", "tests/test_waiting.py")


def _pytest(*words: str, **environ: str) -> tuple[int, str]:
    """Exit code and output of a run that starts no test."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_") and k != STRICT}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *words],
        cwd=ROOT,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def _names(*words: str) -> list[str]:
    code, out = _pytest(*words)
    assert code == 0, out
    return re.findall(r"^tests/\S+::.+$", out, re.MULTILINE)


def test_long_ones_begin_first() -> None:
    """Whatever the order of the files is."""
    assert _names(*reversed(_FILES))[0] == "tests/test_cli.py::test_build_all"


def test_the_two_runs_of_the_session_are_all_tests() -> None:
    """The session `tests` runs either kind, and there are some of either."""
    text = (ROOT / "noxfile.py").read_text()
    assert re.findall(r'"-m", "(.*?alone)"', text) == ["not alone", "alone"]
    beside, alone = (_names("-m", kind, *_FILES) for kind in ("not alone", "alone"))
    assert beside
    assert alone
    assert sorted(beside + alone) == sorted(_names(*_FILES))


def test_a_run_without_tests_fails_where_none_may_be_skipped() -> None:
    """As a word that is misspelt gives; elsewhere pytest's own code says so."""
    words = ("-k", "nothing_is_called_so", _FILES[-1])
    assert _pytest(*words)[0] == 5
    assert _pytest(*words, **{STRICT: "1"})[0] == 1


def test_limits_are_never_shorter_than_they_were_chosen() -> None:
    """They grow with the time that a Python takes to start here."""
    assert limits.slowness() >= 1
    assert limits.scaled(2.0) == 2.0 * limits.slowness()
