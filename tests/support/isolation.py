"""Unit tests start no program and reach nobody: an audit hook (PEP 578) sees to it.

It sees what Python itself does. What C code starts, and `multiprocessing`, raise no such event.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

# It binds an address when it is imported, to see whether the machine has IPv6.
import urllib3  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Iterator

# Events of https://docs.python.org/3/library/audit_events.html, and what they are.
_REFUSED = {
    "os.exec": "start no program",
    "os.fork": "start no program",
    "os.forkpty": "start no program",
    "os.posix_spawn": "start no program",
    "os.system": "start no program",
    "socket.bind": "open no connection",
    "socket.connect": "open no connection",
    "socket.getaddrinfo": "ask for no address",
    "socket.gethostbyname": "ask for no address",
    "socket.sendmsg": "open no connection",
    "socket.sendto": "open no connection",
    "subprocess.Popen": "start no program",
}
# The events that are refused now.
_refused: set[str] = set()
# What was refused, and has not been seen by anybody: code may catch whatever is raised.
refusals: list[str] = []


@contextmanager
def isolate() -> Iterator[None]:
    """Within the block, whoever starts a program or opens a connection fails, and so does it."""
    refusals.clear()
    with _refuse_only(set(_REFUSED)):
        yield
    if refusals:
        pytest.fail(refusals.pop())


@contextmanager
def allow() -> Iterator[None]:
    """Within the block, all of that may be done."""
    with _refuse_only(set()):
        yield


@contextmanager
def expect_refusal(what: str) -> Iterator[None]:
    """Within the block, that event has to be refused once."""
    with pytest.raises(pytest.fail.Exception, match=f"{what}: .* tests/system"):
        yield
    refusals.pop()


@contextmanager
def _refuse_only(events: set[str]) -> Iterator[None]:
    before = set(_refused)
    _refused.clear()
    _refused.update(events)
    try:
        yield
    finally:
        _refused.clear()
        _refused.update(before)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event in _refused:
        told = [str(a) for a in arguments if isinstance(a, str | bytes | list | tuple)][:2]
        said = (
            f"unit tests {_REFUSED[event]} (tests.support.isolation), and here is "
            f"{event}: {' '.join(told)}; a test that does this belongs in tests/system"
        )
        refusals.append(said)
        # It is no Exception: nothing between here and pytest takes it for an error to handle.
        pytest.fail(said)


# A hook cannot be removed again.
sys.addaudithook(_refuse)
