"""builder.git: output of git that has another form, and conflicts of what is no file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.errors import SourceError
from builder.git.merge import parse_merge_output
from builder.git.pick import _read_conflicts
from builder.model import Conflict
from tests.support.odd_files import ODD_FILES

if TYPE_CHECKING:
    from pathlib import Path

_ID = b"0123456789" * 4


@pytest.mark.parametrize("entry", [b" 100644 %s 1\ta" % _ID, b"100644\ta", b"\ta"])
def test_a_conflict_of_another_form_is_an_error(entry: bytes) -> None:
    """It was a ValueError, and so a fault of ours."""
    with pytest.raises(SourceError, match="list of conflicts cannot be read"):
        parse_merge_output(_ID + b"\0" + entry + b"\0")


@pytest.mark.parametrize("name", ["device", "directory", "loop", "fifo", "huge"])
def test_a_conflict_of_what_is_no_file_has_no_hunks(tmp_path: Path, name: str) -> None:
    """Commits can hold links to anywhere, and git leaves them in the worktree as they are."""
    ODD_FILES[name](tmp_path / "odd")
    listed = "\0".join(f"120000 {_ID.decode()} {stage}\todd" for stage in "123")
    assert _read_conflicts(tmp_path, listed) == [Conflict("odd", (), "both changed it")]
