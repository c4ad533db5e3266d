"""The verdict on cherry-picked commits for a release, and its JSON."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from builder.cherrypick.paths import SortedPaths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.model import CommitOrigin, Conflict

NO_PATHS = SortedPaths((), (), ())


class VerdictKind(StrEnum):
    """The kinds of verdict; `absent` means that the repository does not have the release."""

    CLEAN = "clean"
    NATIVE = "native"
    CONFLICT = "conflict"
    NEEDS_BAZEL = "needs-bazel"
    ABSENT = "absent"


class Verdict(msgspec.Struct, frozen=True):
    """The verdict on the commits for one release.

    Attributes:
        version: the release.
        kind: the kind of verdict.
        reason: one line for people.
        base: the release's commit, or None if it is absent.
        note: a remark on how that commit was found, or "".
        native: pairs of a commit and how it is known that the release has it.
        commit: the commit that conflicts, or "".
        conflicts: where it conflicts.
        paths: the changed paths, sorted by what an overlay does with them.
        imports: newly imported modules that Requires-Dist does not cover.
        wheel: whether the stock wheel was available; else paths were judged by their names.
        tree: the tree that the picks make, or "".
    """

    version: str
    kind: VerdictKind
    reason: str
    base: str | None = None
    note: str = ""
    native: tuple[tuple[str, str], ...] = ()
    commit: str = ""
    conflicts: tuple[Conflict, ...] = ()
    paths: SortedPaths = NO_PATHS
    imports: tuple[str, ...] = ()
    wheel: bool = False
    tree: str = ""


def to_json(
    verdict: Verdict, commits: Sequence[str], origins: Sequence[CommitOrigin]
) -> dict[str, Any]:
    """Convert a verdict to JSON values; `origins` says whose each of the commits is."""
    return {
        "version": verdict.version,
        "verdict": verdict.kind.value,
        "reason": verdict.reason,
        "backend": {
            VerdictKind.CLEAN: "overlay",
            VerdictKind.NATIVE: "overlay",
            VerdictKind.NEEDS_BAZEL: "bazel",
        }.get(verdict.kind),
        "commits": list(commits),
        "commit_origins": [origin.text for origin in origins],
        "source_commit": verdict.base,
        "source_note": verdict.note or None,
        "tree": verdict.tree or None,
        "native": [{"commit": c, "how": how} for c, how in verdict.native],
        "conflicts": [
            {
                "commit": verdict.commit,
                "path": c.path,
                "why": c.why,
                "hunks": [h._asdict() for h in c.hunks],
            }
            for c in verdict.conflicts
        ],
        "changed": list(verdict.paths.taken),
        "left_out": list(verdict.paths.left_out),
        "needs_bazel": [{"path": n.path, "why": n.why} for n in verdict.paths.needs_bazel],
        "uncovered_imports": list(verdict.imports),
        "judged_by": "stock wheel" if verdict.wheel else "path names",
    }
