"""Ports of the loopback: free ones, and whether somebody listens."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from random import SystemRandom

from builder.errors import CommandError

_EPHEMERAL_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_DEFAULT_EPHEMERAL = 32768  # Linux's own default; others begin above
_FIRST_PORT = 20000  # below are those of well-known programs
_TRIES = 100


def can_connect(address: str, port: int) -> bool:
    """Whether somebody listens there and takes a connection within three seconds."""
    with socket.socket() as caller:
        caller.settimeout(3)
        return caller.connect_ex((address, port)) == 0


def find_free_port() -> int:
    """A port of the loopback that nobody has, for a server that takes it later.

    It is none of those that Linux gives to who wants just any (ip(7), `ip_local_port_range`), as
    somebody would get it before the server does.

    Raises:
        CommandError: there is none among those that were tried.
    """
    for port in SystemRandom().sample(range(_FIRST_PORT, _read_first_ephemeral()), _TRIES):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise CommandError("there is no free port", "see who listens on so many")


def _read_first_ephemeral() -> int:
    try:
        lowest = int(_EPHEMERAL_RANGE_FILE.read_text().split()[0])
    except (OSError, ValueError, IndexError):  # no Linux
        lowest = _DEFAULT_EPHEMERAL
    # Who has made that range so wide has to take the risk.
    return lowest if lowest >= _FIRST_PORT + _TRIES else _DEFAULT_EPHEMERAL
