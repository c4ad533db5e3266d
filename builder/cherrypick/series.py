"""Turn a cherry-pick into a series: each commit is a patch against git, with git's own outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from packaging.specifiers import SpecifierSet

from builder.patching.series.values import Series
from builder.wheel.blobs import hash_git_blob

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from builder.model import PickedCommits

CHERRY_PICK_SERIES = "cherry-pick"


class PickedFile(NamedTuple):
    """One file of a picked commit: the git blob that git applied it to, and the new content."""

    before: str
    after: bytes


class CommitPatch(msgspec.Struct, frozen=True):
    """A picked commit; see `Patch`.

    Attributes:
        file: the full id of the commit that was picked.
        sha256: the sha256 of the commit object, in hex.
        releases: exactly the release that it was picked onto.
        blobs: path → the release's own blob, before all picks.
        outcomes: path → the file before and after this commit.
        description: the first line of the commit message.
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
        """The paths of the commit that an overlay takes, whether the wheel has them or not."""
        del members
        return list(self.outcomes)

    def patch_content(self, path: str, content: bytes) -> bytes:
        """See `Patch.patch_content`; the content must be what git applied the commit to."""
        outcome = self.outcomes[path]
        blob = hash_git_blob(content)
        if blob != outcome.before:
            raise ValueError(f"it is git blob {blob}, and {self.file[:12]} was picked on another")
        return outcome.after


def make_pick_series(version: str, picked: PickedCommits, patches: Sequence[CommitPatch]) -> Series:
    """Make the series of one release's picks; native if the release already has all commits."""
    this_release = SpecifierSet(f"=={version}")
    return Series(
        name=CHERRY_PICK_SERIES,
        summary="cherry-picked commits",
        releases=this_release,
        native=this_release if picked.native == picked.commits else None,
        native_since=version,
        patches=tuple(patches),
        picked=picked,
    )
