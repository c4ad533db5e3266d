"""Value types for series, patches and METADATA edits, and how they change a file's bytes."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

import msgspec

from builder.model import Finding
from builder.patching import diff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from packaging.specifiers import SpecifierSet

    from builder.model import MetadataEdit, PickedCommits

_WILDCARD = re.compile(r"[*?\[]")


class Patch(Protocol):
    """One entry of a series that changes files: a diff, a codemod or a cherry-picked commit."""

    @property
    def file(self) -> str:
        """Name of the patch file or of the codemod, or full id of the commit."""
        ...

    @property
    def sha256(self) -> str:
        """Sha256 of the patch file, of the codemods' source or of the commit object, in hex."""
        ...

    @property
    def releases(self) -> SpecifierSet:
        """The releases to which the patch applies."""
        ...

    @property
    def against(self) -> str:
        """`git` (members must equal one of `blobs`) or `wheel` (the one that the catalog pins)."""
        ...

    @property
    def blobs(self) -> Mapping[str, tuple[str, ...]]:
        """Path → git blobs that the patch was made against; empty for `wheel`."""
        ...

    @property
    def codemod(self) -> bool:
        """Whether it is a codemod: its precondition decides, and its outcomes are cached."""
        ...

    @property
    def commit(self) -> bool:
        """Whether it is a cherry-picked commit; then `file` is the commit's id."""
        ...

    def find_paths(self, members: Iterable[str]) -> list[str]:
        """The paths that the patch changes in a wheel with these members."""
        ...

    def patch_content(self, path: str, content: bytes) -> bytes:
        """Return the patched content of a path.

        Raises:
            ValueError: the patch does not apply; the message says why, in one line.
        """
        ...


class DiffPatch(msgspec.Struct, frozen=True):
    """A unified diff; see `Patch`.

    Attributes:
        hunks: path → what to replace, in file order.
        description: the first line of its DEP-3 description.
    """

    file: str
    sha256: str
    releases: SpecifierSet
    against: str
    blobs: Mapping[str, tuple[str, ...]]
    hunks: Mapping[str, Sequence[diff.DiffHunk]]
    description: str
    codemod: bool = False
    commit: bool = False

    def find_paths(self, members: Iterable[str]) -> list[str]:
        """The paths that the diff names, whether the wheel has them or not."""
        del members
        return list(self.hunks)

    def patch_content(self, path: str, content: bytes) -> bytes:
        """See `Patch.patch_content`; `builder.patching.diff` applies hunks strictly."""
        return diff.apply_hunks(content, self.hunks[path])


class CodemodPatch(msgspec.Struct, frozen=True):
    """A codemod on the members that its globs match; see `Patch`."""

    file: str
    sha256: str
    releases: SpecifierSet
    globs: tuple[str, ...]
    transform: Callable[[bytes], bytes]
    description: str
    against: str = "wheel"
    codemod: bool = True
    commit: bool = False

    @property
    def blobs(self) -> Mapping[str, tuple[str, ...]]:
        """Always empty, as a codemod is made against the published wheel."""
        return {}

    def find_paths(self, members: Iterable[str]) -> list[str]:
        """The members that a glob matches, in the wheel's order."""
        # Most globs are plain names, and to compile one takes longer than to compare all names.
        names = {glob for glob in self.globs if not _WILDCARD.search(glob)}
        globs = [glob for glob in self.globs if glob not in names]
        return [m for m in members if m in names or any(fnmatchcase(m, g) for g in globs)]

    def patch_content(self, path: str, content: bytes) -> bytes:
        """See `Patch.patch_content`; if there is nothing to change, the content stays as it is."""
        del path
        return self.transform(content)


class MetadataPatch(msgspec.Struct, frozen=True):
    """Edits of METADATA for some releases."""

    releases: SpecifierSet
    edits: tuple[MetadataEdit, ...]


class Series(msgspec.Struct, frozen=True):
    """A named set of patches, applied in the order in which `series.toml` lists them.

    Attributes:
        name: the directory's name.
        summary: one line for people.
        releases: the releases for which the series is meant.
        native: the releases in which upstream has the same behaviour, or None.
        native_since: since when upstream has it, as text for people.
        patches: the patches of files.
        metadata: the edits of METADATA.
        unlisted_files: patch files in the directory that the TOML does not list.
        sha256: the sha256 of `series.toml`, in hex.
        picked: the commits, if the series is a cherry-pick and has no directory; else None.
    """

    name: str
    summary: str
    releases: SpecifierSet
    native: SpecifierSet | None
    native_since: str
    patches: tuple[Patch, ...]
    metadata: tuple[MetadataPatch, ...] = ()
    unlisted_files: tuple[str, ...] = ()
    sha256: str = ""
    picked: PickedCommits | None = None

    def is_for_release(self, version: str) -> bool:
        """Whether the series is meant for this release, natively or not."""
        return self.releases.contains(version, prereleases=True)

    def is_native(self, version: str) -> bool:
        """Whether upstream already has the series' behaviour in this release."""
        return self.native is not None and self.native.contains(version, prereleases=True)

    def find_patches(self, version: str) -> tuple[Patch, ...]:
        """The patches for this release; none if it is native or the series is not meant for it."""
        return tuple(p for p in self.patches if self._is_served(p.releases, version))

    def find_metadata_edits(self, version: str) -> tuple[MetadataEdit, ...]:
        """The edits of METADATA for this release, in order."""
        chosen = [p for p in self.metadata if self._is_served(p.releases, version)]
        return tuple(edit for patch in chosen for edit in patch.edits)

    def _is_served(self, releases: SpecifierSet, version: str) -> bool:
        if not self.is_for_release(version) or self.is_native(version):
            return False
        return releases.contains(version, prereleases=True)


def audit_series(all_series: Iterable[Series], versions: Sequence[str]) -> list[Finding]:
    """Find entries that apply to no release of the catalog (P901) and unlisted files (P902)."""
    findings = []
    for series in all_series:
        served = {id(p) for v in versions for p in series.find_patches(v)}
        findings += [
            Finding(
                "P901", f"{series.name}/{p.file}", f"{p.releases} holds no release of the catalog"
            )
            for p in series.patches
            if id(p) not in served
        ]
        findings += [
            Finding("P902", f"{series.name}/{name}", "it is not in series.toml")
            for name in series.unlisted_files
        ]
    return findings
