"""Apply unified diffs strictly: exact context, which must occur exactly once, and no fuzz.

A forced or fuzzy patch can report success and still cause a SyntaxError. So a hunk whose lines are
missing or occur twice is an error. Line numbers may differ, so that one patch file can apply to
several releases in which other parts of the file differ. `unidiff` parses the diffs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unidiff.patch import Hunk


class DiffHunk(NamedTuple):
    """One hunk: replace `old` by `new`; `line` is its first line according to the diff."""

    old: bytes
    new: bytes
    line: int


class DiffError(ValueError):
    """A diff cannot be read or does not apply; the message says why, in one line."""


def parse_diff(text: str) -> dict[str, list[DiffHunk]]:
    """Parse a diff into path → hunks, in file order; text before the diff is ignored.

    Raises:
        DiffError: the diff is malformed, changes nothing, or adds, removes or renames a file.
    """
    try:
        patches = PatchSet(text)
    except UnidiffParseError as error:
        raise DiffError(f"it is no unified diff ({error})") from error
    if not patches:
        raise DiffError("it has no diff in it")
    files: dict[str, list[DiffHunk]] = {}
    for patch in patches:
        if patch.is_added_file or patch.is_removed_file or patch.is_rename:
            raise DiffError(f"it adds, removes or renames {patch.path}")
        if patch.path in files:
            raise DiffError(f"it has {patch.path} twice")
        files[patch.path] = [_to_diff_hunk(hunk) for hunk in patch]
    return files


def apply_hunks(content: bytes, hunks: Sequence[DiffHunk]) -> bytes:
    """Return the content with all hunks applied.

    Raises:
        DiffError: a hunk's lines are missing, occur more than once, or are out of order.
    """
    pieces: list[bytes] = []
    position = 0
    for hunk in hunks:
        at = _find_hunk(content, hunk)
        if at < position:
            raise DiffError(f"the hunk at line {hunk.line} lies before the one in front of it")
        pieces += [content[position:at], hunk.new]
        position = at + len(hunk.old)
    return b"".join([*pieces, content[position:]])


def _find_hunk(content: bytes, hunk: DiffHunk) -> int:
    # Only whole lines match, so a line end is put in front of text and pattern. A hunk that does
    # not end in a line end is at the end of the file, which the NUL byte marks.
    haystack, needle = b"\n" + content, b"\n" + hunk.old
    if not hunk.old.endswith(b"\n"):
        haystack, needle = haystack + b"\0", needle + b"\0"
    at = haystack.find(needle)
    if at < 0:
        raise DiffError(f"the lines of the hunk at line {hunk.line} are not in it")
    if haystack.find(needle, at + 1) >= 0:
        raise DiffError(f"the lines of the hunk at line {hunk.line} stand in it more than once")
    return at


def _to_diff_hunk(hunk: Hunk) -> DiffHunk:
    lines: list[tuple[str, str]] = []
    for line in hunk:
        if line.line_type == "\\":  # "No newline at end of file" is about the previous line
            kind, text = lines[-1]
            lines[-1] = (kind, text.removesuffix("\n"))
        else:
            lines.append((line.line_type, line.value))
    old = "".join(text for kind, text in lines if kind != "+")
    new = "".join(text for kind, text in lines if kind != "-")
    if not old:
        raise DiffError(f"the hunk at line {hunk.source_start} has no context to find its place by")
    return DiffHunk(old.encode(), new.encode(), hunk.source_start)
