"""builder.patching.diff, against difflib."""

from __future__ import annotations

import difflib
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from builder.patching import diff

# Distinct lines, so that a hunk's place is certain and the outcome too.
line = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=12)
texts = st.lists(line, unique=True, min_size=1, max_size=12)


def split(text: str) -> list[str]:
    """Lines with their ends, as git and unified diffs see them: only a line feed ends one."""
    return re.findall(r"[^\n]*\n|[^\n]+\Z", text)


def make_diff(old: str, new: str) -> str:
    """A unified diff with git's a/ and b/, and git's mark where a last line end is missing."""
    pieces = difflib.unified_diff(split(old), split(new), "a/f", "b/f")
    return "".join(
        p if p.endswith("\n") else f"{p}\n\\ No newline at end of file\n" for p in pieces
    )


@given(texts, texts, st.booleans(), st.booleans())
def test_applies_what_difflib_made(
    old: list[str], new: list[str], old_end: bool, new_end: bool
) -> None:
    """Old text and diff give the new text, with and without a line end at the end."""
    before, after = "\n".join(old) + "\n" * old_end, "\n".join(new) + "\n" * new_end
    assume(before and after and before != after)
    assert (
        diff.apply_hunks(before.encode(), diff.parse_diff(make_diff(before, after))["f"])
        == after.encode()
    )


def test_line_offsets_are_allowed_and_fuzz_is_not() -> None:
    """A hunk moves with its lines; a changed context line stops it."""
    text = make_diff("a\nb\nc\n", "a\nB\nc\n")
    hunks = diff.parse_diff(text)["f"]
    assert diff.apply_hunks(b"0\n0\n0\na\nb\nc\nz\n", hunks) == b"0\n0\n0\na\nB\nc\nz\n"
    with pytest.raises(diff.DiffError, match="are not in it"):
        diff.apply_hunks(b"a\nb\nC\n", hunks)
    with pytest.raises(diff.DiffError, match="are not in it"):
        diff.apply_hunks(b"xa\nb\nc\n", hunks)


def test_an_ambiguous_place_is_refused() -> None:
    """Lines that stand twice could be meant twice."""
    hunks = diff.parse_diff(make_diff("a\nb\n", "a\nB\n"))["f"]
    with pytest.raises(diff.DiffError, match="more than once"):
        diff.apply_hunks(b"a\nb\na\nb\n", hunks)


def test_hunks_out_of_order_are_refused() -> None:
    """The second hunk may not lie before the first."""
    text = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-b\n+B\n@@ -5 +5 @@\n-a\n+A\n"
    with pytest.raises(diff.DiffError, match="lies before"):
        diff.apply_hunks(b"a\nb\n", diff.parse_diff(text)["f"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no diff here\n", "no diff"),
        ("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n", "no unified diff"),
        ("--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n", "adds, removes"),
        ("--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "adds, removes"),
        ("--- a/f\n+++ b/f\n@@ -1,0 +1 @@\n+a\n", "no context"),
    ],
)
def test_unusable_diffs_are_errors(text: str, why: str) -> None:
    """Malformed, empty, adding or removing files, or without a place to go."""
    with pytest.raises(diff.DiffError, match=why):
        diff.parse_diff(text)
