"""Parse the conflict markers that git writes into files (git-merge(1)), and describe conflicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.model import ConflictHunk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.model import Conflict

_OURS = b"<<<<<<< "
_MIDDLE = b"=======\n"
_THEIRS = b">>>>>>> "


def find_hunks(content: bytes) -> Iterator[ConflictHunk]:
    """Find the conflicts in a file that git merged with the default conflict style.

    Args:
        content: the file, with lines of `<<<<<<<`, `=======` and `>>>>>>>`.

    Yields:
        Each conflict, with its first line in our side's file before the merge.
    """
    line = 1  # in our side's file, if the clean parts are the same
    start, ours, theirs = 0, 0, 0
    side = ""
    for text in content.replace(b"\r\n", b"\n").splitlines(keepends=True):
        if not side and text.startswith(_OURS):
            side, start, ours, theirs = "ours", line, 0, 0
        elif side == "ours" and text == _MIDDLE:
            side = "theirs"
        elif side == "theirs" and text.startswith(_THEIRS):
            yield ConflictHunk(start, ours, theirs)
            side = ""
        elif side == "theirs":
            theirs += 1
        else:
            ours += side == "ours"
            line += 1


def explain_file_conflict(stages: set[str]) -> str:
    """Say why a whole file conflicts, by the stages it has: 1 base, 2 release, 3 commit."""
    if "2" not in stages:
        return "the release does not have it"
    if "3" not in stages:
        return "the commit removes it, and the release has it otherwise"
    return "both add it"


def describe_conflicts(conflicts: Sequence[Conflict]) -> str:
    """Describe conflicts like `tensorboard/notebook.py (hunks at lines 371, 402)`."""
    return "; ".join(_describe_conflict(conflict) for conflict in conflicts)


def _describe_conflict(conflict: Conflict) -> str:
    lines = ", ".join(str(hunk.line) for hunk in conflict.hunks)
    plural = "s" if len(conflict.hunks) > 1 else ""
    return f"{conflict.path} ({f'hunk{plural} at line{plural} {lines}' if lines else conflict.why})"
