"""builder.system.input_files: regular files of a bounded size, and nothing that never ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.system.input_files import UnreadableFileError, read_input_file
from tests.support.odd_files import ODD_FILES


def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    """Also through a symbolic link, and one that has just as many bytes as are allowed."""
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    (tmp_path / "link").symlink_to(file)
    assert read_input_file(tmp_path / "link", 5) == b"12345"


def test_a_file_that_is_too_big_is_not_read(tmp_path: Path) -> None:
    """The size that it has, and the one that it tells nobody (/proc), count."""
    file = tmp_path / "file"
    file.write_bytes(b"123456")
    with pytest.raises(UnreadableFileError, match="bigger than the 5 bytes that this tool reads"):
        read_input_file(file, 5)
    proc = tmp_path / "proc"
    proc.symlink_to("/proc/self/status")
    assert proc.stat().st_size == 0
    with pytest.raises(UnreadableFileError, match="bigger than the 5 bytes"):
        read_input_file(proc, 5)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("fifo", "it is a named pipe, not a file"),
        ("device", "it is a device, not a file"),
        ("directory", "Is a directory"),
        ("loop", "Too many levels of symbolic links"),
        ("dangling", "No such file or directory"),
    ],
)
def test_what_is_no_file_is_an_error_with_a_reason(tmp_path: Path, name: str, why: str) -> None:
    """None of them keeps the reader waiting, and none is read."""
    ODD_FILES[name](tmp_path / "odd")
    opened = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match=why):
        read_input_file(tmp_path / "odd", 5)
    assert len(list(Path("/proc/self/fd").iterdir())) == opened


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    """A NUL in it, as a series.toml can spell one."""
    with pytest.raises(UnreadableFileError, match="a character that no file's name can have"):
        read_input_file(tmp_path / "a\0b", 5)
