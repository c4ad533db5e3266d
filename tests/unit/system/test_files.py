"""Temporary directories, and what killed runs left of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from builder.system.files import (
    make_temporary_directory,
    open_replacement,
    remove_abandoned_directories,
    try_lock,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def _leave(parent: Path, name: str) -> Path:
    """Make what a killed run leaves: a directory with files, which nobody locks."""
    left = parent / name
    left.mkdir(mode=0o700)
    (left / "deep").mkdir()
    (left / "deep" / "file").write_bytes(b"half")
    return left


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    """Before the next one of the same kind is made; others are not touched."""
    left = _leave(tmp_path, "incoming-0a_b1c2d")
    others = [_leave(tmp_path, name) for name in ("incoming-", "incoming-longer-name", "coming-x")]
    with make_temporary_directory("incoming-", tmp_path) as made:
        assert not left.exists()
        assert made.is_dir()
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_what_the_user_made_by_hand_stays(tmp_path: Path) -> None:
    """The system's directory for temporary files is everybody's; `tempfile` makes 0700."""
    prefix = "tensorboard-wheels-check-"
    dated, named = tmp_path / f"{prefix}20261130", _leave(tmp_path, f"{prefix}My-Notes")
    dated.mkdir()
    dated.chmod(0o755)
    with make_temporary_directory(prefix, tmp_path):
        assert dated.is_dir()
        assert named.is_dir()


def test_another_run_may_remove_a_directory_before_it_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks abandoned until then; so another one is made."""
    removed: list[str] = []
    open_directory = os.open

    def remove_first(path: str, flags: int, **more: Any) -> int:
        if not removed:
            removed.append(path)
            remove_abandoned_directories("incoming-", tmp_path)
        return open_directory(path, flags, **more)

    with monkeypatch.context() as patch:
        patch.setattr("builder.system.files.os.open", remove_first)
        with make_temporary_directory("incoming-", tmp_path) as made:
            assert list(tmp_path.iterdir()) == [made.parent]
    assert removed != [str(made.parent)]
    assert list(tmp_path.iterdir()) == []


def test_what_another_run_uses_stays(tmp_path: Path) -> None:
    """It is locked, also for runs of the same user."""
    with make_temporary_directory("incoming-", tmp_path) as first:
        (first / "file").write_bytes(b"half")
        with make_temporary_directory("incoming-", tmp_path) as second:
            assert (first / "file").exists()
            assert second != first
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Whoever may write there could lay one to a directory of the user's."""
    precious = _leave(tmp_path, "precious")
    (tmp_path / "incoming-0a_b1c2d").symlink_to(precious)
    with make_temporary_directory("incoming-", tmp_path):
        pass
    assert (precious / "deep" / "file").exists()


def test_a_directory_is_locked_until_it_is_gone(tmp_path: Path) -> None:
    """Another run could remove it, and with it what is renamed out of it."""
    with make_temporary_directory("incoming-", tmp_path) as made:
        handle = os.open(made.parent, os.O_RDONLY)
        try:
            assert not try_lock(handle)
        finally:
            os.close(handle)


def test_one_may_be_locked_as_an_output_directory(tmp_path: Path) -> None:
    """`today` builds wheels into one: `lock_path` must not wait for the lock of the same run."""
    with make_temporary_directory("incoming-", tmp_path) as made:
        handle = os.open(made, os.O_RDONLY)
        try:
            assert try_lock(handle)
        finally:
            os.close(handle)


def test_a_replacement_removes_what_was_left_beside_it(tmp_path: Path) -> None:
    """Reports, outcomes and statements are written so, each in its directory."""
    left = _leave(tmp_path, ".tensorboard-wheels-new-0a_b1c2d")
    with open_replacement(tmp_path / "report.html") as new:
        new.write_bytes(b"whole")
    assert not left.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
