"""What tests need of the machine: without it they are skipped, and in `.ci/run` they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from typing import NoReturn

import pytest

# `.ci/run` sets it, since it brings everything along. CI systems set CI everywhere, also where the
# machine is theirs and lacks this or that.
STRICT = "NOTHING_SKIPPED"


def lacking(what: str) -> NoReturn:
    """Skip the test because of what is not there, or fail it where nothing may be skipped."""
    if os.environ.get(STRICT):
        pytest.fail(f"nothing is to be skipped here: {what}")
    pytest.skip(what)


@cache
def python(version: str) -> str:
    """A CPython that is on PATH, or that uv can fetch: 3.8 and later; the version again."""
    words = [sys.executable, "-m", "uv", "python", "list", f"cpython@{version}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        lacking(f"there is no CPython {version}, and uv has none to fetch")
    return version
