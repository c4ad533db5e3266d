"""Warning filters that threads change at the same time."""

from __future__ import annotations

import sys
import threading
import warnings
from typing import TYPE_CHECKING

import pytest

from builder.system.warning_filters import ignore_warnings, record_warnings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless")
def test_threads_do_not_meet() -> None:
    """One hears all of its own, others hear nothing, and the filters are as they were."""
    before = list(warnings.filters)
    wrong: list[str] = []

    def listen() -> None:
        for _ in range(400):
            with record_warnings() as caught:
                warnings.warn("told", stacklevel=1)
            if [str(one.message) for one in caught] != ["told"]:
                wrong.append(f"heard {len(caught)}")

    def ignore() -> None:
        for _ in range(400):
            with ignore_warnings():
                try:
                    warnings.warn("not told", stacklevel=1)
                except UserWarning:
                    wrong.append("raised")

    threads = [threading.Thread(target=do) for do in (listen, ignore) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert list(warnings.filters) == before
