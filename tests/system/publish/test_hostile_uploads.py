"""Upload servers that hold a client up: it ends, sends nothing twice, and says who it was."""

from __future__ import annotations

import os
import threading
import time
import zipfile
from typing import TYPE_CHECKING

import pytest

from builder.publish.responses import ResponseMeaning, interpret_response
from builder.publish.target import PublishTarget
from builder.publish.uploader import TwineUploader, UploadCredentials
from builder.system.limits import TIMEOUT_VARIABLE
from builder.system.settings import UserSettings
from tests.support.hostile_servers import (
    continue_forever,
    keep_silent,
    run_hostile_server,
    send_endless_body,
    send_endless_gzip,
    trickle_body,
    trickle_head,
)
from tests.support.wheels import make_wheel

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from tests.support.hostile_servers import HostileServer, Manner

_PASSWORD = "pypi-canary-16180339887"
_GENEROUS = 60.0


@pytest.fixture(autouse=True)
def _empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A real wheel on disk."""
    file = make_wheel().file
    path = tmp_path / file.filename
    path.write_bytes(file.content)
    return path


def _make_uploader(server: HostileServer, tmp_path: Path, timeout: float) -> TwineUploader:
    url = f"http://{server.host}/"
    target = PublishTarget("x", url, f"{url}simple/", public=False)
    settings = UserSettings(tmp_path, None, None, None, None, timeout)
    return TwineUploader(target, UploadCredentials("me", _PASSWORD), settings)


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        (keep_silent, TIMEOUT_VARIABLE),
        (trickle_head, TIMEOUT_VARIABLE),
        (trickle_body, TIMEOUT_VARIABLE),
        (continue_forever, TIMEOUT_VARIABLE),
        (send_endless_body, "sends more than the 1,048,576 bytes"),
        (send_endless_gzip, "sends more than the 1,048,576 bytes"),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
def test_an_upload_ends(manner: Manner, reason: str, wheel: Path, tmp_path: Path) -> None:
    """It counts as left open: the index is asked before anything is sent again."""
    began = time.monotonic()
    with run_hostile_server(manner) as server:
        uploader = _make_uploader(server, tmp_path, 4.0 if reason == TIMEOUT_VARIABLE else 50.0)
        response = uploader.send_wheel(wheel, ())
    assert time.monotonic() - began < _GENEROUS
    assert reason in response.text
    assert server.host in response.text
    assert _PASSWORD not in response.text
    assert interpret_response(response, wheel.name) is ResponseMeaning.UNKNOWN


def test_an_upload_that_is_given_up_is_not_sent_on(wheel: Path, tmp_path: Path) -> None:
    """What went on in a thread would meet the second attempt on the server."""
    size = 32 << 20
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("tensorboard/large", os.urandom(size))
    received, given_up, ended = [0], threading.Event(), threading.Event()

    def read_late(connection: socket.socket, stopping: threading.Event) -> None:
        del stopping
        given_up.wait(_GENEROUS)
        try:
            while piece := connection.recv(1 << 20):
                received[0] += len(piece)
        finally:
            ended.set()

    with run_hostile_server(read_late, reads_all=False) as server:
        _make_uploader(server, tmp_path, 1.0).send_wheel(wheel, ())
        given_up.set()
        assert ended.wait(_GENEROUS)
    assert received[0] < size
