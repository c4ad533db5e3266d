"""Git servers that hold git up: it is stopped, and the server is named without its password."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from builder.errors import SourceError
from builder.git import runner as git_runner
from builder.git.mirror import open_mirror
from builder.git.remote import parse_remote
from builder.system.limits import TIMEOUT_VARIABLE
from tests.support import needs
from tests.support.hostile_servers import (
    continue_forever,
    keep_silent,
    redirect_forever,
    run_hostile_server,
    send_endless_body,
    send_endless_gzip,
    trickle_body,
    trickle_head,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.hostile_servers import Manner

_GENEROUS = 60.0
_LIMIT = 256 << 20
_BY_TIME = (keep_silent, trickle_head, trickle_body)
_MANNERS = (*_BY_TIME, continue_forever, redirect_forever, send_endless_body, send_endless_gzip)


@pytest.mark.parametrize("manner", _MANNERS, ids=lambda manner: manner.__name__)
def test_a_clone_ends(manner: Manner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its deadline, or because git may take no more memory; it leaves no mirror."""
    monkeypatch.setattr(git_runner, "GIT_RESOURCE_BYTES", _LIMIT)
    began = time.monotonic()
    with run_hostile_server(manner) as server:
        context = needs.context(store=tmp_path)
        timeout = 4.0 if manner in _BY_TIME else 50.0
        context = replace(context, settings=replace(context.settings, timeout=timeout))
        remote = parse_remote(f"http://me:hunter22@{server.host}/upstream.git")
        with pytest.raises(SourceError) as caught:
            open_mirror(context, remote, None, offline=False)
    message = caught.value.message
    assert "hunter22" not in f"{message} {caught.value.hint}"
    if manner in _BY_TIME:
        assert f"git clone of http://{server.host}/upstream.git took longer than 4 s" in message
        assert TIMEOUT_VARIABLE in caught.value.hint
    assert time.monotonic() - began < _GENEROUS
    assert not list((tmp_path / "git").glob("incoming-*"))
