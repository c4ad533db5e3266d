"""Edits of a source by the places of its syntax tree: nothing else changes."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.patching.codemods import CodemodError
from builder.patching.codemods.source import SourceEdit, SourceModule, apply_edits


@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=4))))
def test_splice_inserts(source: bytes, inserts: list[tuple[int, bytes]]) -> None:
    """Insertions in any order leave every original byte, in order, and add all that is new."""
    edits = [SourceEdit(min(at, len(source)), min(at, len(source)), new) for at, new in inserts]

    after = apply_edits(source, edits)

    assert len(after) == len(source) + sum(len(edit.new) for edit in edits)
    expected = source
    # From the last to the first, so that offsets stay those of the source.
    for _, edit in sorted(enumerate(edits), key=lambda pair: (-pair[1].start, -pair[0])):
        expected = expected[: edit.start] + edit.new + expected[edit.start :]
    assert after == expected


@given(st.data())
def test_splice_replaces(data: st.DataObject) -> None:
    """Cutting a source anywhere and replacing every other piece gives those pieces, joined."""
    pieces = data.draw(st.lists(st.binary(min_size=1, max_size=5), min_size=1, max_size=12))
    news = data.draw(st.lists(st.binary(max_size=5), min_size=len(pieces), max_size=len(pieces)))
    edits, expected, at = [], [], 0
    for number, (old, new) in enumerate(zip(pieces, news, strict=True)):
        if number % 2:
            edits.append(SourceEdit(at, at + len(old), new))
        expected.append(new if number % 2 else old)
        at += len(old)

    assert apply_edits(b"".join(pieces), data.draw(st.permutations(edits))) == b"".join(expected)


@pytest.mark.parametrize("edits", [[(0, 3), (2, 4)], [(3, 2)], [(4, 6)], [(-1, 1)]])
def test_splice_refuses(edits: list[tuple[int, int]]) -> None:
    """Edits that overlap, run backwards or leave the source are refused."""
    with pytest.raises(CodemodError):
        apply_edits(b"12345", [SourceEdit(start, end, b"") for start, end in edits])


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_offsets(values: list[str], newline: str) -> None:
    """A node's own bytes are found behind any line end and any letters of several bytes."""
    lines = [f"x = ('é', {value!r}, [1])" for value in values]
    module = SourceModule(newline.join(lines).encode())

    for node, line in zip(module.tree.body, lines, strict=True):
        assert module.read_node(node) == line.encode()
        assert isinstance(node, ast.Assign)
        assert isinstance(node.value, ast.Tuple)
        assert module.read_node(node.value.elts[2]) == b"[1]"
