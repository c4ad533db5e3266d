"""Verdicts: what cherry-picked commits mean for a release."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from builder.cherrypick.paths import SortedPaths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.model import Conflict

NO_PATHS = SortedPaths((), (), ())


class VerdictKind(StrEnum):
    """The verdicts; `absent` where the repository does not have the release."""

    CLEAN = "clean"
    NATIVE = "native"
    CONFLICT = "conflict"
    NEEDS_BAZEL = "needs-bazel"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the commits mean for one release.

    Attributes:
        version: the release.
        kind: the verdict.
        reason: one line for people.
        base: the release's commit, or None where it is absent.
        note: what is worth knowing of how that was found, or "".
        native: commit → how it is known that the release has it.
        commit: the commit that conflicts, or "".
        conflicts: where.
        paths: what becomes of the changed paths.
        imports: modules that are imported anew and that Requires-Dist does not cover.
        wheel: whether the stock wheel was at hand; else paths were judged by their names.
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


def to_json(verdict: Verdict, commits: Sequence[str]) -> dict[str, Any]:
    """The verdict for machines."""
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
