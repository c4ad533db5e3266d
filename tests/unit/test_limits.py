"""Limits of time in tests grow with what the machine takes for a start."""

from __future__ import annotations

import pytest

from tests.support import limits


def test_limits_grow_with_the_time_that_a_start_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """And are never shorter than they were chosen."""
    for seconds, wanted in ((0.001, 1.0), (0.2, 10.0)):
        monkeypatch.setattr("timeit.repeat", lambda *_, s=seconds, **__: [s] * 5)
        limits.slowness.cache_clear()
        assert limits.scaled(1.0) == pytest.approx(wanted)
    limits.slowness.cache_clear()
