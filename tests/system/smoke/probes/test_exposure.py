"""Ports that listen on every address are found, in the kernel's real table."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.smoke.model import Deployment, Frontend, JupyterSite, ProbeOutcome, WheelUnderTest
from builder.smoke.probes.exposure import parse_listeners, run_loopback_probes
from builder.smoke.results.recorder import ProbeRecorder
from builder.system.redact import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Here:
    """This machine, on which a port that listens everywhere is seen as such."""

    def run_command(
        self, words: Sequence[str], *, root: bool = False, timeout: float = 30.0
    ) -> tuple[int, str]:
        del root
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False)
        return done.returncode, done.stdout

    def read_log(self) -> str:
        return ""

    def published_ports(self) -> None:
        return None

    def check_reachable(self, port: int) -> dict[str, bool]:
        del port
        return {}


@pytest.mark.parametrize(
    ("release", "outcome"), [("1.15.0", ProbeOutcome.SKIPPED), ("2.0.0", ProbeOutcome.FAILED)]
)
def test_a_port_on_every_address_fails_where_the_release_keeps_to_the_loopback(
    release: str, outcome: ProbeOutcome
) -> None:
    """What 1.15 does by itself is said, and no failure of ours; from 2.0 on it is one."""
    record = ProbeRecorder()
    site = JupyterSite(
        Deployment("x", Frontend.LAB),
        "http://h/",
        Secret("t"),
        WheelUnderTest(None, release, release),
        _Here(),
    )
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - it is what fails
        run_loopback_probes(site, _Here(), server.getsockname()[1], record)
    assert [(r.name, r.outcome) for r in record.results] == [
        ("loopback-only", outcome),
        ("neighbour-refused", ProbeOutcome.SKIPPED),
    ]


def test_a_real_table_has_a_real_listener() -> None:
    """A socket that listens is found at its address; one that is merely bound is not."""
    with socket.socket() as listening, socket.socket() as bound:
        for one in (listening, bound):
            one.bind(("127.0.0.1", 0))
        listening.listen()
        found = parse_listeners(Path("/proc/net/tcp").read_text())
        assert found[listening.getsockname()[1]] == {"0100007F"}
        assert bound.getsockname()[1] not in found
