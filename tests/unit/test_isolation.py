"""That unit tests start nothing is no matter of trust."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress

import pytest

from tests.support.isolation import isolated


def _start_carelessly() -> None:
    with suppress(Exception):
        subprocess.run([sys.executable, "--version"], check=True)


def test_a_program_is_refused() -> None:
    """Before it runs, and whoever handles errors does not handle this one."""
    with pytest.raises(pytest.fail.Exception, match=r"Popen .* belongs in tests/system"):
        _start_carelessly()
    with pytest.raises(pytest.fail.Exception, match=r"os\.system"):
        os.system("true")  # noqa: S605


def test_a_connection_is_refused() -> None:
    """To anybody, and for anybody."""
    with socket.socket() as ours:
        with pytest.raises(pytest.fail.Exception, match=r"socket\.bind"):
            ours.bind(("127.0.0.1", 0))
        with pytest.raises(pytest.fail.Exception, match=r"socket\.connect"):
            ours.connect(("127.0.0.1", 9))


def test_what_fetches_a_wheel_may() -> None:
    """Only within its own block."""
    with socket.socket() as ours, isolated(watching=False):
        ours.bind(("127.0.0.1", 0))
    with socket.socket() as ours, pytest.raises(pytest.fail.Exception):
        ours.bind(("127.0.0.1", 0))
