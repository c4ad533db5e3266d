"""Patch series: what stands under `patches/`, read and validated.

A series is a directory with `series.toml` and the patch files that it lists. Each patch file begins
with DEP-3 headers (https://dep-team.pages.debian.net/deps/dep3/), then a line `---`, then a unified
diff. The TOML says which releases each file serves and what it was made against.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass, field
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from builder import diff
from builder.errors import PatchError
from builder.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_BLOB = re.compile(r"[0-9a-f]{40}")
_REQUIRED_HEADERS = ("Description", "Origin", "Author", "Forwarded", "Last-Update")


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch file of a series.

    Attributes:
        file: its name within the series.
        sha256: of the whole file, in hex.
        releases: the releases that it serves.
        against: `git` (stock members must equal one of `blobs`) or `wheel` (the stock wheel must
            be the one that the catalog pins).
        blobs: path → git blobs that it was made against; empty for `wheel`.
        hunks: path → what to replace, in file order.
        description: the first line of its DEP-3 description.
    """

    file: str
    sha256: str
    releases: SpecifierSet
    against: str
    blobs: Mapping[str, tuple[str, ...]]
    hunks: Mapping[str, Sequence[diff.Replacement]]
    description: str


@dataclass(frozen=True, slots=True)
class Series:
    """A named set of patches, applied in the order in which they stand.

    Attributes:
        name: the directory's name.
        summary: one line for people.
        releases: the releases that the series speaks for.
        native: the releases in which upstream does the same by itself, or None.
        native_since: where upstream took it up, for people.
        patches: the patch files.
        stray: patch files in the directory that the TOML does not list.
    """

    name: str
    summary: str
    releases: SpecifierSet
    native: SpecifierSet | None
    native_since: str
    patches: tuple[Patch, ...]
    stray: tuple[str, ...] = field(default=())

    def speaks_for(self, version: str) -> bool:
        """Whether this release is the series' business at all."""
        return self.releases.contains(version, prereleases=True)

    def is_native(self, version: str) -> bool:
        """Whether upstream has the series' behaviour in this release already."""
        return self.native is not None and self.native.contains(version, prereleases=True)

    def serving(self, version: str) -> tuple[Patch, ...]:
        """The patches for this release; none where it is native or not spoken for."""
        if not self.speaks_for(version) or self.is_native(version):
            return ()
        return tuple(p for p in self.patches if p.releases.contains(version, prereleases=True))


def load_series(directory: Path) -> Series:
    """Read one series.

    Raises:
        PatchError: the directory, its TOML or a patch file is missing or malformed.
    """
    source = directory / "series.toml"
    try:
        table = tomllib.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = sorted(p.parent.name for p in directory.parent.glob("*/series.toml"))
        raise PatchError(
            f"there is no series {directory.name!r} in {directory.parent}",
            f"series there: {', '.join(known) or 'none'}",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PatchError(f"{source} is no TOML: {error}", "mend that line") from error
    fields = _Table(table, str(source))
    name = fields.text("name")
    if name != directory.name:
        raise fields.error(f"name {name!r} is not the directory's name")
    native = table.pop("native", None)
    patches = tuple(
        _load_patch(directory, _Table(entry, f"{source}, patch {number}"))
        for number, entry in enumerate(fields.tables("patch"), 1)
    )
    listed = {p.file for p in patches}
    series = Series(
        name=name,
        summary=fields.text("summary"),
        releases=fields.specifier("releases"),
        native=None if native is None else _specifier(native, str(source)),
        native_since=table.pop("native-since", ""),
        patches=patches,
        stray=tuple(sorted(p.name for p in directory.glob("*.patch") if p.name not in listed)),
    )
    fields.finish()
    return series


def audit(all_series: Iterable[Series], versions: Sequence[str]) -> list[Finding]:
    """Patch files that serve no release of the catalog, or that no series lists (P901, P902)."""
    findings = []
    for series in all_series:
        served = {p.file for v in versions for p in series.serving(v)}
        findings += [
            Finding(
                "P901", f"{series.name}/{p.file}", f"{p.releases} holds no release of the catalog"
            )
            for p in series.patches
            if p.file not in served
        ]
        findings += [
            Finding("P902", f"{series.name}/{name}", "it is not in series.toml")
            for name in series.stray
        ]
    return findings


class _Table:
    """A TOML table whose keys are taken one by one, so that what is left over can be refused."""

    def __init__(self, table: dict[str, Any], where: str) -> None:
        self._table = table
        self._where = where

    def error(self, why: str) -> PatchError:
        return PatchError(f"{self._where}: {why}", "the README of patches/ shows the form")

    def text(self, key: str) -> str:
        value = self._table.pop(key, None)
        if not isinstance(value, str) or not value:
            raise self.error(f"{key} is missing or no text")
        return value

    def specifier(self, key: str) -> SpecifierSet:
        return _specifier(self.text(key), self._where)

    def tables(self, key: str) -> list[dict[str, Any]]:
        value = self._table.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise self.error(f"{key} must be written as [[{key}]]")
        return value

    def blobs(self) -> dict[str, tuple[str, ...]]:
        value = self._table.pop("blobs", {})
        if not isinstance(value, dict):
            raise self.error("blobs must be a table: path = [git blob, …]")
        for path, blobs in value.items():
            if not isinstance(blobs, list) or not blobs:
                raise self.error(f"blobs of {path} must be a list of git blobs")
            if not all(isinstance(b, str) and _BLOB.fullmatch(b) for b in blobs):
                raise self.error(f"blobs of {path} are not all git blobs (40 hex digits)")
        return {path: tuple(blobs) for path, blobs in value.items()}

    def finish(self) -> None:
        if self._table:
            raise self.error(f"unknown key {sorted(self._table)[0]!r}")


def _specifier(text: object, where: str) -> SpecifierSet:
    try:
        return SpecifierSet(str(text))
    except InvalidSpecifier as error:
        raise PatchError(
            f"{where}: {text!r} is no version specifier", "write it like '>=1.13,<2.3'"
        ) from error


def _load_patch(directory: Path, fields: _Table) -> Patch:
    file = fields.text("file")
    path = directory / file
    if path.parent != directory:
        raise fields.error(f"{file!r} is not a file of this series")
    try:
        content = path.read_bytes()
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise fields.error(f"{file} cannot be read ({error})") from error
    head, separator, body = text.partition("\n---\n")
    headers = HeaderParser().parsestr(head)
    missing = [h for h in _REQUIRED_HEADERS if not headers.get(h, "").strip()]
    if not separator or missing:
        raise fields.error(f"{file} lacks the DEP-3 header {', '.join(missing) or 'block'}")
    try:
        hunks = diff.parse(body)
    except diff.DiffError as error:
        raise fields.error(f"{file}: {error}") from error
    against = fields.text("against")
    blobs = fields.blobs()
    if against not in ("git", "wheel"):
        raise fields.error(f"against must be 'git' or 'wheel', not {against!r}")
    if against == "git" and set(blobs) != set(hunks):
        raise fields.error(f"blobs must name just what {file} changes: {', '.join(hunks)}")
    if against == "wheel" and blobs:
        raise fields.error("blobs belong to patches made against git")
    patch = Patch(
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        releases=fields.specifier("releases"),
        against=against,
        blobs=blobs,
        hunks=hunks,
        description=headers["Description"].splitlines()[0].strip(),
    )
    fields.finish()
    return patch
