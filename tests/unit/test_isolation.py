"""That unit tests start nothing is no matter of trust."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress

import pytest

from tests.support.isolation import allow, expect_refusal, isolate


def _start_carelessly() -> None:
    with suppress(BaseException):
        subprocess.run([sys.executable, "--version"], check=True)


def test_a_program_is_refused() -> None:
    """Before it runs, and code that handles every Exception does not handle this one."""
    with expect_refusal(r"subprocess\.Popen"), suppress(Exception):
        subprocess.run([sys.executable, "--version"], check=True)
    with expect_refusal(r"os\.system"):
        os.system("true")  # noqa: S605


def test_a_connection_is_refused() -> None:
    """To anybody, for anybody, and the question where somebody is."""
    with socket.socket() as ours:
        with expect_refusal(r"socket\.bind"):
            ours.bind(("127.0.0.1", 0))
        with expect_refusal(r"socket\.connect"):
            ours.connect(("127.0.0.1", 9))
    with expect_refusal(r"socket\.getaddrinfo"):
        socket.getaddrinfo("a.example", 443)


def test_what_was_refused_and_caught_fails_in_the_end() -> None:
    """Some code catches whatever is raised."""
    with pytest.raises(pytest.fail.Exception, match="belongs in tests/system"), isolate():
        _start_carelessly()


def test_what_fetches_a_wheel_may() -> None:
    """Only within its own block."""
    with socket.socket() as ours, allow():
        ours.bind(("127.0.0.1", 0))
    with socket.socket() as ours, expect_refusal(r"socket\.bind"):
        ours.bind(("127.0.0.1", 0))
