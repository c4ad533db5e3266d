"""Sort changed paths: an overlay can apply them, no wheel ships them, or only Bazel can build them.

An overlay is sound if each changed path is a member of the stock wheel and equals its git blob. In
doubt a path needs Bazel: it is left out only if it is certain that no wheel ships it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Protocol

from builder.model import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.model import PathChange

_REGULAR_MODES = ("100644", "100755")
# Bazel's rules and the packaging, in any directory.
_BUILD_RULES = re.compile(
    r"""
    (.*/)? (BUILD|WORKSPACE|MODULE) (\.bazel|\.bzlmod)? | .*\.bzl | (.*/)?\.bazel\w+
    | tensorboard/pip_package/.* | tensorboard/defs/.* | third_party/.* | patches/.*
    """,
    re.VERBOSE,
)
# Sources from which Bazel makes other files: protos, the front end.
_COMPILED = re.compile(r".*\.(proto|pbtxt|tsx?|jsx?|html|css|scss|json|lock)")
# Tests, documentation, CI, and what is released separately (tensorboard-data-server).
_UNSHIPPED = re.compile(
    r"""
    docs/.* | \.github/.* | ci/.* | AUTHORS | .*\.(md|ipynb|rst)
    | \.(gitignore|gitattributes|travis\.yml|flake8|clang-format|prettierrc.*|prettierignore)
    | (.*/)? (tests?|testdata|testing|e2e) /.*
    | .*_test\.(py|js|tsx?|html) | .*\.spec\.ts | .*_demo\.py
    | tensorboard/data/server/.* | tensorboard/examples/.*
    """,
    re.VERBOSE,
)


class ShippedBlobs(Protocol):
    """The git blobs of a stock wheel's members."""

    def find_blob(self, path: str) -> str | None:
        """Find the git blob of a member's content; None if there is no such member."""
        ...


class BazelOnlyPath(NamedTuple):
    """A path that needs Bazel, and the reason."""

    path: str
    why: str


class SortedPaths(NamedTuple):
    """Changed paths, sorted by what an overlay does with them."""

    taken: tuple[str, ...]
    left_out: tuple[str, ...]
    needs_bazel: tuple[BazelOnlyPath, ...]


def sort_paths(changes: Iterable[PathChange], wheel: ShippedBlobs | None) -> SortedPaths:
    """Sort the paths that commits change.

    Args:
        changes: the changes from the release's own files to the outcome.
        wheel: the stock wheel, or None if it is not available: then modules that exist before the
            change count as shipped unchanged.
    """
    taken, left_out, needs = [], [], []
    for change in changes:
        why = _find_bazel_reason(change, wheel)
        if why is None:
            taken.append(change.path)
        elif why:
            needs.append(BazelOnlyPath(change.path, why))
        else:
            left_out.append(change.path)
    return SortedPaths(tuple(taken), tuple(left_out), tuple(needs))


def _find_bazel_reason(change: PathChange, wheel: ShippedBlobs | None) -> str | None:
    """None if an overlay takes the path, "" if no wheel ships it, else why it needs Bazel."""
    path = change.path
    unshipped = _UNSHIPPED.fullmatch(path) is not None
    if _BUILD_RULES.fullmatch(path) or (_COMPILED.fullmatch(path) and not unshipped):
        return "Bazel makes other files of it"
    member = _presume_blob(change) if wheel is None else wheel.find_blob(path)
    if member is None:
        return _find_missing_reason(change)
    if member != change.before:
        return "the stock wheel's is not its git blob"
    if change.status != "M":
        return "the wheel would lose it" if change.status == "D" else "its type changes"
    if change.mode != change.new_mode or change.mode not in _REGULAR_MODES:
        return "its mode changes"
    return None


def _find_missing_reason(change: PathChange) -> str:
    if _UNSHIPPED.fullmatch(change.path):
        return ""
    if not change.path.endswith(".py"):
        return "what Bazel makes of it is not known"
    # A module that existed and was not shipped still is not, as BUILD files decide that.
    return "BUILD files decide whether a wheel ships it" if change.status == "A" else ""


def _presume_blob(change: PathChange) -> str | None:
    shipped = change.path.startswith(f"{PACKAGE}/") and change.path.endswith(".py")
    if not shipped or change.status == "A" or _UNSHIPPED.fullmatch(change.path):
        return None
    return change.before
