"""What git writes, read: lists of changes, merges, conflict markers."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import SourceError
from builder.git.conflicts import describe_conflicts, find_hunks
from builder.git.merge import parse_merge_output
from builder.git.repository import parse_raw_diff
from builder.model import Conflict, ConflictHunk, PathChange

_ID = st.text("0123456789abcdef", min_size=40, max_size=40)
_MODE = st.sampled_from(["000000", "100644", "100755", "120000", "160000"])
_PATH = st.binary(min_size=1).filter(lambda p: b"\0" not in p)
_TEXT = st.lists(
    st.sampled_from([b"a\n", b"b\n", b"\n", b"<<<<<<\n", b"====\n", b"> x\n", b"\xff\n"]),
    max_size=6,
)


@given(st.lists(st.tuples(_MODE, _MODE, _ID, _ID, st.sampled_from("AMDT"), _PATH)))
def test_lists_of_changes_are_read_back(
    rows: list[tuple[str, str, str, str, str, bytes]],
) -> None:
    """Any path that git can have, also one with line ends, tabs and bytes that are no UTF-8."""
    raw = b"".join(
        f":{mode} {new} {old_id} {new_id} {status}".encode() + b"\0" + path + b"\0"
        for mode, new, old_id, new_id, status, path in rows
    )
    assert parse_raw_diff(raw) == [
        PathChange(path.decode(errors="surrogateescape"), status, old_id, new_id, mode, new)
        for mode, new, old_id, new_id, status, path in rows
    ]


@given(st.binary())
def test_garbage_is_no_list_of_changes(raw: bytes) -> None:
    """It is an error of one line, or nothing was in it."""
    with contextlib.suppress(SourceError):
        assert all(isinstance(change, PathChange) for change in parse_raw_diff(raw))


class _Piece(NamedTuple):
    """A stretch of a file: what is the same in both, or both sides of a conflict."""

    same: list[bytes]
    ours: list[bytes]
    theirs: list[bytes]


@given(st.lists(st.builds(_Piece, _TEXT, _TEXT, _TEXT)), st.sampled_from([b"\n", b"\r\n"]))
def test_hunks_are_where_our_side_has_them(pieces: list[_Piece], end: bytes) -> None:
    """Lines are counted in the file as it was before the merge; sizes are of both sides."""
    merged: list[bytes] = []
    ours: list[bytes] = []
    wanted = []
    for piece in pieces:
        merged += piece.same
        ours += piece.same
        wanted.append(ConflictHunk(len(ours) + 1, len(piece.ours), len(piece.theirs)))
        merged += [b"<<<<<<< HEAD\n", *piece.ours, b"=======\n", *piece.theirs, b">>>>>>> x (y)\n"]
        ours += piece.ours
    content = b"".join(merged).replace(b"\n", end)
    assert list(find_hunks(content)) == wanted


@given(st.binary())
def test_any_bytes_can_be_looked_through(content: bytes) -> None:
    """What is no conflict, or half of one, gives no hunk and no error."""
    lines = content.count(b"\n") + 1
    assert all(1 <= hunk.line <= lines for hunk in find_hunks(content))


def test_merges_are_read() -> None:
    """A clean one is a tree; one with conflicts lists each side of each file."""
    tree, blob = "1" * 40, "2" * 40
    assert parse_merge_output(tree.encode() + b"\0") == (tree, [])
    raw = f"{tree}\x00100644 {blob} 1\ta b\x00100644 {blob} 3\ta b\x00\x00".encode()
    assert parse_merge_output(raw) == (tree, [(blob, "1", "a b"), (blob, "3", "a b")])
    with pytest.raises(SourceError, match="did not name a tree"):
        parse_merge_output(b"usage: git merge-tree\n")


def test_conflicts_are_said_in_one_line() -> None:
    """With the hunks' lines, or with the reason where the file conflicts as a whole."""
    conflicts = [
        Conflict("a.py", (ConflictHunk(3, 1, 1), ConflictHunk(9, 0, 2)), "both changed it"),
        Conflict("b.py", (ConflictHunk(7, 1, 1),), "both changed it"),
        Conflict("c.py", (), "the release does not have it"),
    ]
    assert describe_conflicts(conflicts) == (
        "a.py (hunks at lines 3, 9); b.py (hunk at line 7); c.py (the release does not have it)"
    )
