"""Unit tests start no program and open no connection: an audit hook (PEP 578) sees to it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# The events of https://docs.python.org/3/library/audit_events.html that start a program or reach
# somebody else.
_REFUSED = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.system",
        "socket.bind",
        "socket.connect",
        "socket.sendto",
        "subprocess.Popen",
    }
)
_watching = [False]


@contextmanager
def isolated(*, watching: bool = True) -> Iterator[None]:
    """Within the block, whoever starts a program or opens a connection fails.

    Args:
        watching: False for a block within one in which that may be: a stock wheel that is not in
            the cache yet is fetched.
    """
    before, _watching[0] = _watching[0], watching
    try:
        yield
    finally:
        _watching[0] = before


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if _watching[0] and event in _REFUSED:
        # It is no Exception: nothing between here and pytest takes it for an error to handle.
        pytest.fail(f"{event} {arguments[:2]}: a test that does this belongs in tests/system")


# A hook cannot be removed again.
sys.addaudithook(_refuse)
