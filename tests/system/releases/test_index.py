"""builder.releases: index, cache and stock wheels, against a real HTTP server."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from builder.errors import IndexLookupError, RequestError
from builder.releases.cache import Cache
from builder.releases.index import OfflineIndex, SimpleIndex
from builder.releases.stock_wheels import fetch_stock_wheel, look_up_release
from builder.system.console import Console
from builder.system.settings import UserSettings
from tests.support.index_server import ServedFiles, serving
from tests.support.releases import CATALOG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from builder.model import ListedWheel

NAME = "tensorboard-2.2.1-py3-none-any.whl"


@pytest.fixture
def wheel() -> ListedWheel:
    """The pinned facts of 2.2.1's wheel."""
    found = CATALOG.find_release("2.2.1")
    assert found is not None
    return found.wheel


@pytest.fixture
def content(stock_wheel: Callable[[str], Path]) -> bytes:
    """The bytes of 2.2.1's wheel."""
    return stock_wheel("2.2.1").read_bytes()


@contextmanager
def index(served: ServedFiles, tmp_path: Path, user: str = "") -> Iterator[SimpleIndex]:
    """An index client for the shelf."""
    with serving(served) as place:
        url = f"http://{user}{place}/simple/"
        yield SimpleIndex(UserSettings(tmp_path, url, None, None, None))


def test_fetched_once_then_from_the_cache(
    wheel: ListedWheel, content: bytes, tmp_path: Path
) -> None:
    """The second time the index is not asked, and the bytes are the pinned ones."""
    served = ServedFiles({NAME: content})
    cache = Cache(tmp_path)
    with index(served, tmp_path) as client:
        first = fetch_stock_wheel(wheel, cache, client, Console().make_download_progress(NAME))
        asked = list(served.requests)
        second = fetch_stock_wheel(wheel, cache, client, Console().make_download_progress(NAME))
    assert (first.content, first.cached) == (content, False)
    assert (second.content, second.cached) == (content, True)
    assert asked == served.requests == ["/simple/tensorboard/", f"/files/{NAME}"]
    assert fetch_stock_wheel(
        wheel, cache, OfflineIndex(), Console().make_download_progress(NAME)
    ).cached


@pytest.mark.parametrize("listed_truly", [True, False])
def test_a_tampered_file_is_refused_and_not_kept(
    wheel: ListedWheel, content: bytes, tmp_path: Path, listed_truly: bool
) -> None:
    """Whatever hash the index lists: the catalog's pin decides."""
    spoilt = content[:1000] + b"x" + content[1001:]
    hashes = {} if listed_truly else {NAME: wheel.sha256}
    cache = Cache(tmp_path)
    with (
        index(ServedFiles({NAME: spoilt}, hashes), tmp_path) as client,
        pytest.raises(IndexLookupError, match="tampered with or cut short"),
    ):
        fetch_stock_wheel(wheel, cache, client, Console().make_download_progress(NAME))
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_truncated_download_is_refused(
    wheel: ListedWheel, content: bytes, tmp_path: Path
) -> None:
    """A connection cut in the middle leaves nothing behind."""
    with (
        index(ServedFiles({NAME: content}, cut=100_000), tmp_path) as client,
        pytest.raises(IndexLookupError, match=NAME),
    ):
        fetch_stock_wheel(wheel, Cache(tmp_path), client, Console().make_download_progress(NAME))
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_bit_rot_in_the_cache_is_noticed(
    wheel: ListedWheel, content: bytes, tmp_path: Path
) -> None:
    """A spoiled cache entry is fetched anew; offline it is an error."""
    cache = Cache(tmp_path)
    place = cache.get_path(wheel.sha256)
    place.parent.mkdir(parents=True)
    for source in (OfflineIndex(), None):
        place.write_bytes(content[:-1])
        if source is not None:
            with pytest.raises(IndexLookupError, match=r"spoiled, and is removed; .*--offline"):
                fetch_stock_wheel(wheel, cache, source, Console().make_download_progress(NAME))
            continue
        with index(ServedFiles({NAME: content}), tmp_path) as client:
            assert not fetch_stock_wheel(
                wheel, cache, client, Console().make_download_progress(NAME)
            ).cached
    assert place.read_bytes() == content


def test_parallel_fetches_meet_in_one_file(
    wheel: ListedWheel, content: bytes, tmp_path: Path
) -> None:
    """Threads of one process and the cache they share."""
    outcomes: list[bytes] = []
    with index(ServedFiles({NAME: content}), tmp_path) as client:

        def one() -> None:
            outcomes.append(
                fetch_stock_wheel(
                    wheel, Cache(tmp_path), client, Console().make_download_progress(NAME)
                ).content
            )

        threads = [threading.Thread(target=one) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes == [content] * 4
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [wheel.sha256]


def test_a_file_that_the_index_lacks_is_named(wheel: ListedWheel, tmp_path: Path) -> None:
    """As with a mirror that holds new releases only."""
    with (
        index(ServedFiles(), tmp_path) as client,
        pytest.raises(IndexLookupError, match=f"does not list {NAME}"),
    ):
        fetch_stock_wheel(wheel, Cache(tmp_path), client, Console().make_download_progress(NAME))


def test_passwords_are_used_and_never_told(
    wheel: ListedWheel, content: bytes, tmp_path: Path
) -> None:
    """Credentials in the index URL open the door and appear in no message."""
    served = ServedFiles({NAME: content}, password="canary-7f3a")
    with index(served, tmp_path, "ann:canary-7f3a@") as client:
        assert (
            fetch_stock_wheel(
                wheel, Cache(tmp_path), client, Console().make_download_progress(NAME)
            ).content
            == content
        )
    served.password = "another"
    with index(served, tmp_path, "ann:canary-7f3a@") as client:
        with pytest.raises(IndexLookupError) as caught:
            client.list_wheels()
        assert "canary" not in f"{caught.value.message} {caught.value.hint}"


def test_a_dead_index_is_an_error_of_one_line(tmp_path: Path) -> None:
    """Nothing listens there."""
    client = SimpleIndex(UserSettings(tmp_path, "http://127.0.0.1:9/simple/", None, None, None))
    with pytest.raises(IndexLookupError, match="did not answer") as caught:
        client.list_wheels()
    assert "\n" not in caught.value.message


def test_releases_outside_the_catalog_are_looked_up(content: bytes, tmp_path: Path) -> None:
    """With the hash that the index lists; without one, or without the release, an error."""
    name = "tensorboard-2.99.0-py3-none-any.whl"
    served = ServedFiles({name: content})
    with index(served, tmp_path) as client:
        found = look_up_release("2.99", CATALOG, client)
        assert (found.version, found.pinned) == ("2.99.0", False)
        assert found.wheel.sha256 == hashlib.sha256(content).hexdigest()
        with pytest.raises(RequestError, match=r"2\.98\.0: no such release; nearest 2\.21\.0"):
            look_up_release("2.98.0", CATALOG, client)
    with (
        index(ServedFiles({name: content}, {name: ""}), tmp_path) as client,
        pytest.raises(IndexLookupError, match="without a sha256"),
    ):
        look_up_release("2.99.0", CATALOG, client)
