"""Ports for servers that take them a moment later."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from builder.errors import CommandError
from builder.system import ports
from builder.system.ports import can_connect, find_free_port


def test_nobody_is_given_it_by_chance() -> None:
    """Who binds to any port, or connects, gets one of another range."""
    file = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(file.read_text().split()[0]) if file.exists() else 32768
    if first < 20100:
        pytest.skip(f"this machine gives away any port from {first} on")
    port = find_free_port()
    assert 20000 <= port < first
    assert not can_connect("127.0.0.1", port)
    with socket.create_server(("127.0.0.1", port)):
        assert can_connect("127.0.0.1", port)


def test_taken_ones_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until there is none."""
    low = find_free_port()
    monkeypatch.setattr(ports, "_FIRST_PORT", low)
    monkeypatch.setattr(ports, "_read_first_ephemeral", lambda: low + 2)
    monkeypatch.setattr(ports, "_TRIES", 2)
    with socket.create_server(("127.0.0.1", low)):
        assert {find_free_port() for _ in range(8)} == {low + 1}
        with socket.create_server(("127.0.0.1", low + 1)), pytest.raises(CommandError, match="no"):
            find_free_port()
