"""The catalog: pinned facts of every release, kept in the repository as JSON.

This module reads, queries and compares it; `builder.releases.catalog_update` fetches and writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from packaging.version import Version

from builder.errors import IndexLookupError, shorten_reason
from builder.model import FIRST_RELEASE, ListedWheel, Release
from builder.system.input_files import MAX_DOCUMENT, read_input_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DEFAULT_CATALOG_PATH = Path(__file__).parents[1] / "data" / "catalog.json"


class BazelFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The Bazel of upstream's CI, and the versions that the release's WORKSPACE accepts."""

    ci_version: str
    ci_sha256_linux_x86_64: str
    minimum: str
    maximum: str | None
    bazelversion_file: str | None


class CatalogEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The facts of one release, in the order of the file; None for what is not known."""

    version: str
    wheels: tuple[ListedWheel, ...]
    tag: str | None
    commit: str | None
    tag_is_release_commit: bool | None
    notebook_blob: str | None
    notebook_group: str | None
    native_proxy_url: bool | None
    bazel: BazelFacts | None
    ci_python: tuple[str, ...] | None
    pip_package_output: str | None
    wheels_emitted: tuple[str, ...] | None
    source_date_epoch: str | None
    requires_dist: tuple[str, ...] | None

    def to_release(self) -> Release:
        """The release, as the other packages know it."""
        return Release(
            version=self.version,
            wheels=self.wheels,
            commit=self.commit,
            notebook_blob=self.notebook_blob,
            native_proxy_url=self.native_proxy_url,
            requires_dist=self.requires_dist,
        )


class Catalog(msgspec.Struct, frozen=True):
    """All pinned releases, oldest first."""

    releases: tuple[Release, ...]

    def find_release(self, version: str) -> Release | None:
        """Find a release by its version, however it is spelt (2.2 is 2.2.0); None if unknown."""
        wanted = Version(version)
        return next((r for r in self.releases if Version(r.version) == wanted), None)

    @property
    def versions(self) -> list[str]:
        """All versions, oldest first."""
        return [r.version for r in self.releases]

    @property
    def latest_release(self) -> Release:
        """The newest release that is neither yanked nor a pre-release."""
        return next(
            r
            for r in reversed(self.releases)
            if not r.yanked and not Version(r.version).is_prerelease
        )


class CatalogDifference(NamedTuple):
    """One difference between the index and the catalog: the version, and what differs."""

    version: str
    text: str


def load_entries(path: Path = DEFAULT_CATALOG_PATH) -> list[CatalogEntry]:
    """Load the catalog's file: one entry per release.

    Raises:
        IndexLookupError: the file is missing or is not a catalog.
    """
    try:
        return msgspec.json.decode(read_input_file(path, MAX_DOCUMENT), type=list[CatalogEntry])
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        raise IndexLookupError(
            f"the catalog {path} cannot be read: {shorten_reason(error)}", "restore it from git"
        ) from error


def make_catalog(entries: Iterable[CatalogEntry]) -> Catalog:
    """Make the catalog of entries.

    Raises:
        IndexLookupError: a version is malformed or has no wheel for Python 3, or there are no
            entries.
    """
    try:
        releases = sorted((e.to_release() for e in entries), key=lambda r: Version(r.version))
    except ValueError as error:
        raise IndexLookupError(
            f"the catalog has a broken entry: {shorten_reason(error)}", "restore it from git"
        ) from error
    lacking = [r.version for r in releases if not r.python3_wheels]
    if lacking or not releases:
        raise IndexLookupError(
            f"the catalog has no wheel for Python 3 of {', '.join(lacking) or 'any release'}",
            "restore it from git",
        )
    return Catalog(tuple(releases))


def compare_catalog(
    entries: Iterable[CatalogEntry], listed: Mapping[str, Sequence[ListedWheel]]
) -> list[CatalogDifference]:
    """List how the index differs from the catalog.

    Args:
        entries: the entries of the catalog.
        listed: version → wheels that the index lists now.
    """
    differences: list[CatalogDifference] = []
    known = {entry.version: entry.wheels for entry in entries}
    for version in sorted({*known, *listed}, key=Version):
        if Version(version) < Version(FIRST_RELEASE):
            continue
        if version not in known:
            names = ", ".join(w.filename for w in listed[version])
            differences.append(CatalogDifference(version, f"new on the index: {names}"))
        elif version not in listed:
            differences.append(CatalogDifference(version, "gone from the index"))
        else:
            pinned = {w.filename: w for w in known[version]}
            served = {w.filename: w for w in listed[version]}
            differences += [CatalogDifference(version, t) for t in _compare_files(pinned, served)]
    return differences


def merge_catalog(
    entries: Iterable[CatalogEntry], news: Iterable[CatalogEntry]
) -> list[CatalogEntry]:
    """Merge what the index lists now into the catalog, oldest release first.

    Args:
        entries: the entries of the catalog.
        news: entries of new releases, or of releases whose wheels changed. What they do not know
            is kept.
    """
    merged = {entry.version: entry for entry in entries}
    for entry in news:
        facts = {k: v for k, v in msgspec.structs.asdict(entry).items() if v is not None}
        old = merged.get(entry.version)
        merged[entry.version] = entry if old is None else msgspec.structs.replace(old, **facts)
    return [merged[v] for v in sorted(merged, key=Version)]


def dump_catalog(entries: Sequence[CatalogEntry]) -> bytes:
    """Serialize the catalog for its file: in stable order, readable in a diff."""
    return msgspec.json.format(msgspec.json.encode(entries), indent=1) + b"\n"


def _compare_files(pinned: dict[str, ListedWheel], served: dict[str, ListedWheel]) -> list[str]:
    texts = []
    for filename in sorted(pinned | served):
        old, new = pinned.get(filename), served.get(filename)
        if old is None:
            texts.append(f"new file {filename}")
        elif new is None:
            texts.append(f"{filename} is gone from the index")
        else:
            texts += _compare_fields(old, new)
    return texts


def _compare_fields(old: ListedWheel, new: ListedWheel) -> list[str]:
    texts = []
    if new.sha256 and old.sha256 != new.sha256:
        texts.append(f"{old.filename} was re-published: sha256 {old.sha256} → {new.sha256}")
    if old.yanked != new.yanked:
        texts.append(f"{old.filename} is {'now' if new.yanked else 'no longer'} yanked")
    if old.size != new.size and new.size:
        texts.append(f"{old.filename} has {new.size} bytes instead of {old.size}")
    if old.requires_python != new.requires_python:
        texts.append(
            f"{old.filename} requires Python {new.requires_python}, not {old.requires_python}"
        )
    return texts
