"""The cache: outcomes are believed where only the user may have written them."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from builder.releases.cache import Cache
from tests.support.owners import give_away, umask

if TYPE_CHECKING:
    from pathlib import Path

KEY = "ab" * 32


def forge(path: Path, outcome: bytes) -> None:
    """Write an outcome just as the cache does, hash and all."""
    path.write_bytes(hashlib.sha256(outcome).digest() + outcome)


def outcome_path(root: Path) -> Path:
    """Where the cache has the outcome of KEY."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return root / "outcomes" / version / KEY[:2] / KEY


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022])
def test_the_caches_directories_are_the_users_alone(tmp_path: Path, mask: int) -> None:
    """Those for outcomes and those for downloads, whatever the umask; and outcomes come back."""
    root, content = tmp_path / "xdg" / "cache", b"wheel"
    cache = Cache(root, pytest.fail)
    with umask(mask):
        cache.put(KEY, b"ours")
        with cache.make_download_path() as path:
            path.write_bytes(content)
            cache.add_download(path, hashlib.sha256(content).hexdigest())
    made = [root.parent, root, *(p for p in root.rglob("*") if p.is_dir())]
    assert len(made) == 7
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}
    assert cache.get(KEY) == b"ours"


@pytest.mark.parametrize("depth", range(5))
def test_an_outcome_that_others_could_write_is_missing(tmp_path: Path, depth: int) -> None:
    """The file or a directory above it: one note that says what to do, after which all is well."""
    root = tmp_path / "cache"
    notes: list[str] = []
    cache = Cache(root, notes.append)
    cache.put(KEY, b"ours")
    path = outcome_path(root)
    place = (path, *path.parents)[depth]
    mode = stat.S_IMODE(place.stat().st_mode)
    place.chmod(mode | 0o020)
    forge(path, b"theirs")
    assert cache.get(KEY) is None
    assert cache.get(KEY) is None
    (note,) = notes
    assert f"others may write to {place} " in note
    assert f"chmod -R go-w {place}" in note
    cache.put(KEY, b"ours")  # anew
    place.chmod(place.stat().st_mode & ~0o022)
    assert cache.get(KEY) == b"ours"


@pytest.mark.parametrize("depth", range(5))
def test_an_outcome_of_another_user_is_missing(tmp_path: Path, depth: int) -> None:
    """A file or a directory of a stranger's, with modes as ours."""
    root = tmp_path / "cache"
    notes: list[str] = []
    cache = Cache(root, notes.append)
    cache.put(KEY, b"ours")
    path = outcome_path(root)
    give_away((path, *path.parents)[depth])
    assert cache.get(KEY) is None
    (note,) = notes
    assert "belongs to user" in note


def test_a_shared_cache_of_stock_wheels_is_read(tmp_path: Path) -> None:
    """Another user's, and writable by everybody: the sha256 decides, and a wrong file is none."""
    root, content = tmp_path / "cache", b"wheel"
    sha256 = hashlib.sha256(content).hexdigest()
    path = Cache(root).get_path(sha256)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    for place in (path, path.parent, root / "sha256", root):
        place.chmod(0o777)
        if os.geteuid() == 0:
            give_away(place)
    assert Cache(root, pytest.fail).read_file(sha256) == content
    assert Cache(root, pytest.fail).get(KEY) is None  # it has none, which is worth no note
    path.write_bytes(b"another")
    assert Cache(root, pytest.fail).read_file(sha256) is None
