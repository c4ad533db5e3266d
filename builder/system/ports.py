"""Find free loopback ports, and test whether a server listens on a port."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from random import SystemRandom

from builder.errors import CommandError

_EPHEMERAL_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_DEFAULT_EPHEMERAL = 32768  # Linux's default; other systems begin higher
_FIRST_PORT = 20000  # lower ones belong to well-known programs
_TRIES = 100


def can_connect(address: str, port: int) -> bool:
    """Whether a server accepts a connection at that address within three seconds."""
    with socket.socket() as caller:
        caller.settimeout(3)
        return caller.connect_ex((address, port)) == 0


def find_free_port() -> int:
    """Find a free loopback port for a server that binds it later.

    The port is outside the ephemeral range, from which Linux assigns ports to programs that request
    any port (ip(7), `ip_local_port_range`): otherwise another program could get it before the
    server does.

    Raises:
        CommandError: none of the 100 ports that were tried is free.
    """
    for port in SystemRandom().sample(range(_FIRST_PORT, _read_first_ephemeral()), _TRIES):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise CommandError("there is no free port", "see who listens on so many")


def _read_first_ephemeral() -> int:
    try:
        lowest = int(_EPHEMERAL_RANGE_FILE.read_text().split()[0])
    except (OSError, ValueError, IndexError):  # not Linux
        lowest = _DEFAULT_EPHEMERAL
    # If the ephemeral range leaves too few ports below it, accept that ports may be taken.
    return lowest if lowest >= _FIRST_PORT + _TRIES else _DEFAULT_EPHEMERAL
