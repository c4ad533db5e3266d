"""Indexes that hold a client up: it ends at a size or at its deadline, and says whose fault it is.

Without the bounds each of these tests goes on until the server is stopped, or the memory is full.
"""

from __future__ import annotations

import resource
import threading
import time
from typing import TYPE_CHECKING

import pytest

from builder.bazel.binary import BazelFetcher
from builder.errors import IndexLookupError, InterruptedRunError
from builder.publish.published_files import IndexUnavailableError, SimpleIndexFiles
from builder.releases.cache import Cache
from builder.releases.index import SimpleIndex
from builder.releases.stock_wheels import fetch_stock_wheel
from builder.system.console import Console
from builder.system.interruption import record_interruption
from builder.system.limits import TIMEOUT_VARIABLE
from builder.system.settings import UserSettings
from tests.support.hostile_servers import (
    MANNERS,
    continue_forever,
    flood_headers,
    keep_silent,
    list_wheel,
    redirect_forever,
    run_hostile_server,
    send_endless_body,
    send_endless_gzip,
    trickle_body,
)
from tests.support.releases import CATALOG

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from builder.model import ListedWheel
    from tests.support.hostile_servers import Manner

# Enough for the honest answers that come before, also on a loaded machine.
_SECONDS = 3.0
# How long a test may take before it counts as held up; a loaded machine is slow, not endless.
_GENEROUS = 60.0
_MEMORY = 400 << 20  # bytes that a bounded client may take besides
_ENDLESS = (send_endless_body, send_endless_gzip)
every_manner = pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.__name__)


@pytest.fixture
def wheel() -> ListedWheel:
    """The pinned facts of 2.2.1's wheel."""
    found = CATALOG.find_release("2.2.1")
    assert found is not None
    return found.wheel


def _settings(tmp_path: Path, host: str, timeout: float = _SECONDS) -> UserSettings:
    url = f"http://me:hunter22@{host}/simple/"
    return UserSettings(tmp_path, url, None, None, None, timeout)


def _choose_timeout(manner: Manner) -> float:
    """What ends for another reason than time has enough of it, also on a loaded machine."""
    return 50.0 if manner in (*_ENDLESS, redirect_forever, flood_headers) else _SECONDS


def _check_reason(message: str, host: str, manner: Manner) -> None:
    """Whoever reads it knows the server, no password, and the variable where that would help."""
    assert "hunter22" not in message
    if manner in (redirect_forever, flood_headers):
        assert "redirects" in message or "headers" in message
        return
    assert host in message
    assert ("sends more than the" in message) == (manner in _ENDLESS)
    assert (TIMEOUT_VARIABLE in message) == (manner not in _ENDLESS)


@every_manner
def test_a_page_ends(manner: Manner, tmp_path: Path) -> None:
    """At its deadline, or at 8 MB, however they come."""
    began, memory = time.monotonic(), _read_memory()
    with run_hostile_server(manner) as server:
        timeout = _choose_timeout(manner)
        with pytest.raises(IndexLookupError, match="the index did not answer") as caught:
            SimpleIndex(_settings(tmp_path, server.host, timeout)).list_wheels()
    _check_reason(caught.value.message, server.host, manner)
    assert time.monotonic() - began < _GENEROUS
    assert _read_memory() - memory < _MEMORY


@every_manner
def test_a_download_ends_at_its_pinned_size(
    manner: Manner, wheel: ListedWheel, tmp_path: Path
) -> None:
    """Nothing of it stays in the cache."""
    began, memory = time.monotonic(), _read_memory()
    with run_hostile_server(manner, list_wheel(wheel)) as server:
        timeout = _choose_timeout(manner)
        client = SimpleIndex(_settings(tmp_path, server.host, timeout))
        progress = Console().make_download_progress(wheel.filename)
        with pytest.raises(IndexLookupError, match=wheel.filename) as caught:
            fetch_stock_wheel(wheel, Cache(tmp_path), client, progress)
    _check_reason(caught.value.message, server.host, manner)
    if manner in _ENDLESS:
        assert f"{wheel.size:,} bytes" in caught.value.message
    assert time.monotonic() - began < _GENEROUS
    assert _read_memory() - memory < _MEMORY
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_announced_size_is_enough_to_refuse(wheel: ListedWheel, tmp_path: Path) -> None:
    """One byte more than pinned is not fetched at all."""

    def announce_more(connection: socket.socket, stopping: threading.Event) -> None:
        length = f"HTTP/1.1 200 OK\r\nContent-Length: {wheel.size + 1}\r\n\r\n"
        connection.sendall(length.encode())
        stopping.wait()

    with run_hostile_server(announce_more, list_wheel(wheel)) as server:
        client = SimpleIndex(_settings(tmp_path, server.host, 60))
        with pytest.raises(IndexLookupError, match=f"{wheel.size:,} bytes that it should"):
            fetch_stock_wheel(
                wheel, Cache(tmp_path), client, Console().make_download_progress(wheel.filename)
            )


@every_manner
def test_the_files_of_a_publishing_index_end(manner: Manner, tmp_path: Path) -> None:
    """The page that is asked before and after an upload."""
    with run_hostile_server(manner) as server:
        timeout = _choose_timeout(manner)
        settings = _settings(tmp_path, server.host, timeout)
        files = SimpleIndexFiles(settings, str(settings.index_url), "tensorboardtmp")
        with pytest.raises(IndexUnavailableError) as caught:
            files.fetch_listed_sha256("x.whl")
    _check_reason(caught.value.message, server.host, manner)


@pytest.mark.parametrize("manner", [keep_silent, trickle_body, continue_forever])
def test_bazel_ends(manner: Manner, tmp_path: Path) -> None:
    """A binary of 60 MB comes from a server like any other."""
    with run_hostile_server(manner) as server:
        fetch = BazelFetcher(
            Cache(tmp_path),
            _settings(tmp_path, server.host),
            Console().make_download_progress("Bazel"),
            offline=False,
        )
        with pytest.raises(IndexLookupError, match=TIMEOUT_VARIABLE):
            fetch(f"http://{server.host}/bazel", "0" * 64)


@pytest.mark.usefixtures("no_interruption")
def test_an_interruption_ends_a_wait_in_any_thread(tmp_path: Path) -> None:
    """Python tells only the main thread of a signal; downloads run in others too."""
    errors: list[BaseException] = []
    with run_hostile_server(keep_silent) as server:

        def list_wheels() -> None:
            try:
                SimpleIndex(_settings(tmp_path, server.host, 3600)).list_wheels()
            except InterruptedRunError as error:
                errors.append(error)

        thread = threading.Thread(target=list_wheels)
        thread.start()
        assert server.asked.wait(_GENEROUS)
        record_interruption()
        thread.join(_GENEROUS)
        assert len(errors) == 1


@pytest.mark.usefixtures("no_interruption")
def test_an_interruption_before_its_wait_ends_a_thread_too(tmp_path: Path) -> None:
    """The signal came while the thread imported; what it began then went on for two minutes."""
    cancelled = threading.Event()

    def check_cancelled() -> None:
        if cancelled.is_set():
            raise InterruptedRunError("interrupted", "")

    record_interruption()
    cancelled.set()
    with run_hostile_server(keep_silent) as server:
        settings = _settings(tmp_path, server.host, 4 * _GENEROUS)
        with pytest.raises(InterruptedRunError):
            SimpleIndex(settings, check_cancelled).list_wheels()


def _read_memory() -> int:
    """The most memory that this process has taken so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
