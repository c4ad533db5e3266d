"""A cherry-pick as a series: each commit is a patch against git, its outcome what git made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from packaging.specifiers import SpecifierSet

from builder.patching.series.values import Series
from builder.wheel.blobs import hash_git_blob

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from builder.model import PickedCommits

CHERRY_PICK_SERIES = "cherry-pick"


class PickedFile(NamedTuple):
    """What a commit makes of one file: the git blob that it was made against, the new content."""

    before: str
    after: bytes


@dataclass(frozen=True, slots=True)
class CommitPatch:
    """A picked commit; see `Patch`.

    Attributes:
        file: the full id of the commit that was picked.
        sha256: of the commit object.
        blobs: path → the release's own blob, before all picks.
        outcomes: path → what this commit makes of it.
        description: the first line of its message.
    """

    file: str
    sha256: str
    releases: SpecifierSet
    blobs: Mapping[str, tuple[str, ...]]
    outcomes: Mapping[str, PickedFile]
    description: str
    against: str = "git"
    codemod: bool = False
    commit: bool = True

    def find_paths(self, members: Iterable[str]) -> list[str]:
        """Just those that an overlay takes of the commit, whether the wheel has them or not."""
        del members
        return list(self.outcomes)

    def patch_content(self, path: str, content: bytes) -> bytes:
        """As `Patch.apply`: the outcome, if the content is what git applied the commit to."""
        outcome = self.outcomes[path]
        blob = hash_git_blob(content)
        if blob != outcome.before:
            raise ValueError(f"it is git blob {blob}, and {self.file[:12]} was picked on another")
        return outcome.after


def make_pick_series(version: str, picked: PickedCommits, patches: Sequence[CommitPatch]) -> Series:
    """The series of one release's picks; native where the release has all of them already."""
    only = SpecifierSet(f"=={version}")
    return Series(
        name=CHERRY_PICK_SERIES,
        summary="cherry-picked commits",
        releases=only,
        native=only if picked.native == picked.commits else None,
        native_since=version,
        patches=tuple(patches),
        picked=picked,
    )
