"""TensorBoard, which asks nobody who they are, listens on the loopback unless told otherwise."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import psutil
import pytest

from builder.system import command
from builder.system.ports import can_connect, find_free_port
from builder.system.waiting import wait_for
from tests.support import needs
from tests.support.environments import Place, our_wheel

if TYPE_CHECKING:
    from pathlib import Path

WAIT = 60.0


@pytest.mark.parametrize(("release", "python"), [("1.14.0", "3.7"), ("1.15.0", "3.13")])
def test_the_default_is_the_loopback(release: str, python: str, tmp_path: Path) -> None:
    """Releases before 2.0 listened on all interfaces; with `--host 0.0.0.0` they still do."""
    place = Place(tmp_path / "place", needs.python(python))
    place.install(our_wheel(release, tmp_path))
    port = find_free_port()
    words = [str(place.python.parent / "tensorboard"), "--logdir", ".", "--port", str(port)]
    for host, loopback in ((None, True), ("0.0.0.0", False)):  # noqa: S104 - the control
        chosen = [] if host is None else ["--host", host]
        log = tmp_path / "server.log"
        with command.run_in_background(
            [*words, *chosen], log=log, cwd=tmp_path, env=place.env
        ) as server:
            assert wait_for(lambda: can_connect("127.0.0.1", port) or None, WAIT), log.read_text()
            addresses = {
                ip_address(line.laddr.ip)
                for line in psutil.Process(server.pid).net_connections("tcp")
                if line.status == psutil.CONN_LISTEN
            }
        assert addresses
        assert all(address.is_loopback for address in addresses) is loopback
