"""Who may have written what is in the cache: owners, modes, links, on real files."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from builder.system.ownership import (
    UntrustedPathError,
    check_trusted_directory,
    make_private_directory,
    read_trusted_file,
    write_private_file,
)
from tests.support.needs import lacking
from tests.support.owners import STRANGER, give_away, umask

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A cache with `a/b/file`, as the program makes it."""
    root = tmp_path / "cache"
    make_private_directory(root / "a" / "b")
    write_private_file(root / "a" / "b" / "file", b"content")
    return root


def read(root: Path) -> bytes:
    """Read the one file."""
    return read_trusted_file(root, root / "a" / "b" / "file")


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o077])
def test_what_is_made_is_the_users_alone(tmp_path: Path, mask: int) -> None:
    """Whatever the umask: directories have 0700, files 0600, and all is believed."""
    root = tmp_path / "x" / "cache"
    with umask(mask):
        make_private_directory(root / "a" / "b")
        make_private_directory(root / "a" / "b")
        write_private_file(root / "a" / "b" / "file", b"content")
    for path in (root.parent, root, root / "a", root / "a" / "b"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((root / "a" / "b" / "file").stat().st_mode) == 0o600
    assert read(root) == b"content"
    check_trusted_directory(root, root, recursive=True)


@pytest.mark.parametrize("where", ["", "a", "a/b", "a/b/file"])
@pytest.mark.parametrize("mode", [0o020, 0o002, 0o1002])
def test_what_others_may_write_to_is_not_believed(root: Path, where: str, mode: int) -> None:
    """Neither a file, nor what lies below such a directory, not even with a sticky bit."""
    path = root / where
    path.chmod(stat.S_IMODE(path.stat().st_mode) | mode)
    with pytest.raises(UntrustedPathError, match="others may write to") as caught:
        read(root)
    assert str(path) in caught.value.reason
    assert f"chmod -R go-w {path}" in caught.value.remedy
    with pytest.raises(UntrustedPathError):
        check_trusted_directory(root, root, recursive=True)


@pytest.mark.parametrize("where", ["", "a", "a/b", "a/b/file"])
def test_what_belongs_to_another_user_is_not_believed(root: Path, where: str) -> None:
    """Whatever its mode."""
    give_away(root / where)
    for attempt in (read, lambda r: check_trusted_directory(r, r, recursive=True)):
        with pytest.raises(UntrustedPathError, match=f"belongs to user {STRANGER}") as caught:
            attempt(root)
        assert f"rm -r {root / where}" in caught.value.remedy


def test_what_is_roots_is_believed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not root cannot defend against root, and an administrator may fill a cache."""
    if os.geteuid() != 0:
        lacking("only root has files of root to read; run it as root")
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    assert read(root) == b"content"


@pytest.mark.parametrize("where", ["a", "a/b", "a/b/file"])
def test_no_link_leads_out_of_the_cache(root: Path, tmp_path: Path, where: str) -> None:
    """To files of the user's own, whose content somebody else made, such as an unpacked archive."""
    path = root / where
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    for attempt in (read, lambda r: check_trusted_directory(r, r, recursive=True)):
        with pytest.raises(UntrustedPathError, match="is a symbolic link"):
            attempt(root)


def test_the_cache_itself_may_be_a_link_of_the_users(root: Path, tmp_path: Path) -> None:
    """But not of a stranger's, who would choose among the user's directories."""
    link = tmp_path / "link"
    link.symlink_to(root)
    assert read(link) == b"content"
    give_away(link)
    with pytest.raises(UntrustedPathError, match=f"{link} belongs to user {STRANGER}"):
        read(link)


def test_a_second_name_of_a_file_changes_nothing(root: Path, tmp_path: Path) -> None:
    """As `cp -al` makes: who may not write to the file cannot do so by another name."""
    os.link(root / "a" / "b" / "file", tmp_path / "second")
    assert read(root) == b"content"
    (tmp_path / "second").chmod(0o666)  # it is the same file, so this shows
    with pytest.raises(UntrustedPathError, match="others may write to"):
        read(root)


def test_what_is_no_file_is_not_read(root: Path) -> None:
    """A pipe, for which nobody writes, a directory, and nothing at all."""
    path = root / "a" / "b" / "file"
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read(root)
    os.mkfifo(path, 0o600)
    with pytest.raises(UntrustedPathError, match="is no regular file"):
        read(root)
    path.unlink()
    path.mkdir(0o700)
    with pytest.raises(UntrustedPathError, match="is no regular file"):
        read(root)
    shutil.rmtree(root)
    with pytest.raises(FileNotFoundError):
        read(root)


def test_a_directory_alone_can_be_checked(root: Path) -> None:
    """What is in it does not count then; the way to it does."""
    (root / "a" / "b" / "file").chmod(0o666)
    check_trusted_directory(root, root / "a" / "b")
    with pytest.raises(UntrustedPathError, match="a/b/file"):
        check_trusted_directory(root, root / "a", recursive=True)
    (root / "a").chmod(0o770)
    with pytest.raises(UntrustedPathError, match=f"{root / 'a'} "):
        check_trusted_directory(root, root / "a" / "b")
