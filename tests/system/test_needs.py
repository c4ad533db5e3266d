"""What a machine lacks is said, and how to get it."""

from __future__ import annotations

import sys

import pytest

from tests.support import needs


def test_a_python_that_cannot_be_had_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has 3.99; the one that runs this is there."""
    monkeypatch.delenv(needs.STRICT, raising=False)
    assert needs.python(f"{sys.version_info.major}.{sys.version_info.minor}").is_file()
    with pytest.raises(pytest.skip.Exception, match=r"no CPython 3\.99: .* put it on PATH"):
        needs.python("3.99")
