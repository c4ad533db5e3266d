"""The catalog: pinned facts of every release, kept in the repository as JSON.

This module reads, queries and compares it; `builder.releases.catalog_update` fetches and writes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from packaging.version import Version

from builder.errors import IndexLookupError
from builder.model import FIRST_RELEASE, ListedWheel, Release

DEFAULT_CATALOG_PATH = Path(__file__).parents[1] / "data" / "catalog.json"
ReleaseFacts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Catalog:
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


def load_facts(path: Path = DEFAULT_CATALOG_PATH) -> list[ReleaseFacts]:
    """Load the catalog's file: one object per release.

    Raises:
        IndexLookupError: the file is missing or is not a catalog.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IndexLookupError(
            f"the catalog {path} cannot be read: {error}", "restore it from git"
        ) from error
    if not isinstance(facts, list):
        raise IndexLookupError(f"the catalog {path} is no list of releases", "restore it from git")
    return facts


def parse_catalog(facts: list[ReleaseFacts]) -> Catalog:
    """Parse facts into a catalog.

    Raises:
        IndexLookupError: an entry lacks a field or a wheel for Python 3, or there are no entries.
    """
    try:
        releases = [
            Release(
                version=entry["version"],
                wheels=tuple(ListedWheel(**w) for w in entry["wheels"]),
                commit=entry["commit"],
                notebook_blob=entry["notebook_blob"],
                native_proxy_url=entry["native_proxy_url"],
                requires_dist=_to_tuple(entry["requires_dist"]),
            )
            for entry in facts
        ]
        releases.sort(key=lambda r: Version(r.version))
    except (KeyError, TypeError, ValueError) as error:
        raise IndexLookupError(
            f"the catalog has a broken entry: {error}", "restore it from git"
        ) from error
    lacking = [r.version for r in releases if not r.python3_wheels]
    if lacking or not releases:
        raise IndexLookupError(
            f"the catalog has no wheel for Python 3 of {', '.join(lacking) or 'any release'}",
            "restore it from git",
        )
    return Catalog(tuple(releases))


def _to_tuple(value: list[str] | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(value)


def compare_catalog(
    facts: list[ReleaseFacts], listed: dict[str, list[ListedWheel]]
) -> list[CatalogDifference]:
    """List how the index differs from the catalog.

    Args:
        facts: the facts of the catalog.
        listed: version → wheels that the index lists now.
    """
    differences: list[CatalogDifference] = []
    known = {entry["version"]: entry["wheels"] for entry in facts}
    for version in sorted(known | listed, key=Version):
        if Version(version) < Version(FIRST_RELEASE):
            continue
        if version not in known:
            names = ", ".join(w.filename for w in listed[version])
            differences.append(CatalogDifference(version, f"new on the index: {names}"))
        elif version not in listed:
            differences.append(CatalogDifference(version, "gone from the index"))
        else:
            pinned = {w["filename"]: ListedWheel(**w) for w in known[version]}
            served = {w.filename: w for w in listed[version]}
            differences += [CatalogDifference(version, t) for t in _compare_files(pinned, served)]
    return differences


def merge_catalog(facts: list[ReleaseFacts], listed: dict[str, ReleaseFacts]) -> list[ReleaseFacts]:
    """Merge what the index lists now into the catalog.

    Facts that no index has are kept, and are null for new releases.

    Args:
        facts: the facts of the catalog.
        listed: version → facts of new releases, or of releases whose wheels changed.
    """
    merged = {entry["version"]: entry for entry in facts}
    for version, news in listed.items():
        old = merged.get(version)
        merged[version] = {**old, **news} if old else {**dict.fromkeys(facts[-1]), **news}
    return [merged[v] for v in sorted(merged, key=Version)]


def dump_catalog(facts: list[ReleaseFacts]) -> str:
    """Serialize the catalog for its file: in stable order, readable in a diff."""
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


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
