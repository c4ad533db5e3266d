"""Container engines that hold a client up: it ends, and says who it was."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from builder.containers.docker_engine import connect_engine
from builder.containers.images import has_image
from builder.errors import EngineError, RequestError
from builder.system.limits import TIMEOUT_VARIABLE
from tests.support.hostile_servers import (
    continue_forever,
    keep_silent,
    run_hostile_server,
    send_endless_body,
    send_endless_gzip,
    trickle_body,
    trickle_head,
)
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from tests.support.hostile_servers import Manner

_GENEROUS = 60.0
_MEMORY = 1200 << 20  # bytes: the limit of an answer, its pieces and their sum
_BY_TIME = (keep_silent, trickle_head, trickle_body, continue_forever)
_MANNERS = (*_BY_TIME, send_endless_body, send_endless_gzip)
every_manner = pytest.mark.parametrize("manner", _MANNERS, ids=lambda manner: manner.__name__)


def _answer_well(path: str) -> bytes | None:
    """What an engine answers until it is connected to."""
    if path.endswith("/version"):
        return json.dumps({"ApiVersion": "1.44", "Version": "1", "Arch": "amd64"}).encode()
    return b"OK" if path.endswith("/_ping") else None


def _make_env(host: str, manner: Manner) -> dict[str, str]:
    return {"DOCKER_HOST": f"tcp://{host}", TIMEOUT_VARIABLE: "4" if manner in _BY_TIME else "50"}


def _check_reason(message: str, host: str, manner: Manner) -> None:
    assert host in message
    assert (TIMEOUT_VARIABLE if manner in _BY_TIME else "sends more than") in message


@every_manner
def test_connecting_ends(manner: Manner) -> None:
    """The first request of all."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with run_hostile_server(manner) as server, pytest.raises(EngineError) as caught:
        connect_engine(_make_env(server.host, manner))
    _check_reason(caught.value.message, server.host, manner)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before < _MEMORY


@every_manner
def test_a_request_ends(manner: Manner) -> None:
    """An engine that answered before."""
    with run_hostile_server(manner, _answer_well) as server:
        engine = connect_engine(_make_env(server.host, manner))
        with pytest.raises(EngineError) as caught:
            has_image(engine, "x:1")
    _check_reason(caught.value.message, server.host, manner)


def test_a_timeout_that_is_no_number_is_refused() -> None:
    """Before the engine is asked."""
    with pytest.raises(RequestError, match=TIMEOUT_VARIABLE):
        connect_engine({"DOCKER_HOST": "tcp://127.0.0.1:9", TIMEOUT_VARIABLE: "soon"})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_request(number: signal.Signals) -> None:
    """`prune` waits for two minutes otherwise."""
    with run_hostile_server(keep_silent, _answer_well) as server:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "DOCKER_HOST": f"tcp://{server.host}"}
        words = [sys.executable, "-m", "builder", "prune"]
        with subprocess.Popen(words, env=env, stderr=subprocess.PIPE) as process:
            assert server.asked.wait(_GENEROUS)
            process.send_signal(number)
            _, errors = process.communicate(timeout=_GENEROUS)
    assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[number], errors
