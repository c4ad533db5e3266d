"""A server sends the password back, in every spelling: no message has it, and none is long."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from builder.errors import PublishError
from builder.publish.published_files import SimpleIndexFiles
from builder.publish.target import PublishTarget
from builder.publish.upload import RetryPolicy, Upload, upload_wheel
from builder.publish.uploader import TwineUploader, UploadCredentials
from builder.system.settings import read_user_settings
from builder.system.spellings import could_hold_secret
from tests.support.secret_spellings import PASSWORD, SPELLINGS, USER
from tests.support.upload_server import Act, Conduct, misbehaving
from tests.support.wheels import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

_QUICK = RetryPolicy(total=1, first=0.05, longest=0.1, attempts=1)


@pytest.fixture
def upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upload:
    """A real wheel on disk, and no settings of the user's."""
    monkeypatch.setenv("HOME", str(tmp_path))
    file = make_wheel().file
    path = tmp_path / file.filename
    path.write_bytes(file.content)
    return Upload(path, file.filename, hashlib.sha256(file.content).hexdigest())


def _find_message(conduct: Conduct, upload: Upload) -> str:
    with misbehaving(conduct) as url:
        settings = replace(read_user_settings(os.environ), http_proxy=None)
        target = PublishTarget(url, url, f"{url}simple/", public=False)
        uploader = TwineUploader(target, UploadCredentials(USER, PASSWORD), settings)
        served = SimpleIndexFiles(settings, target.index_url, "tensorboardtmp")
        with pytest.raises(PublishError) as caught:
            upload_wheel(upload, uploader, served, _QUICK, print, overwrites=False)
    return f"{caught.value.message}\n{caught.value.hint}"


def test_a_password_is_not_sent_on(upload: Upload) -> None:
    """Neither when an upload is refused, nor when a redirect or a listing has it."""
    shown = []
    for name, spelling in SPELLINGS.items():
        message = _find_message(Conduct(deque([Act(400, f"who is {spelling}?")])), upload)
        if could_hold_secret(message, {PASSWORD}) or "could hold a password" not in message:
            shown.append(name)
    assert shown == []
    for conduct in (
        Conduct(deque([Act(302, headers=(("Location", f"https://x:{PASSWORD}@h.example/"),))])),
        Conduct(files={upload.filename: b""}, lists=SPELLINGS["hex"]),
    ):
        message = _find_message(conduct, upload)
        assert not could_hold_secret(message, {PASSWORD}), message


def test_what_holds_none_is_shown_in_short(upload: Upload) -> None:
    """So that one learns what is wrong; a page is not poured out."""
    message = _find_message(Conduct(deque([Act(400, f"Invalid value. {'x ' * 9000}")])), upload)
    assert "400 Bad Request Invalid value. x x" in message
    assert len(message) < 600
