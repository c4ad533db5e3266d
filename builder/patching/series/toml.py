"""`series.toml` and the patch files beside it, read and validated.

Each patch file begins with DEP-3 headers (https://dep-team.pages.debian.net/deps/dep3/), then a
line `---`, then a unified diff. The TOML says which releases each entry serves and what it was made
against; an unknown key is an error, so that a misspelt one is not passed over.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from builder.errors import PatchError
from builder.model import MetadataEdit
from builder.patching import diff
from builder.patching.series.values import CodemodPatch, DiffPatch, MetadataPatch, Series

if TYPE_CHECKING:
    from pathlib import Path

    from builder.patching.series.values import Patch

_BLOB = re.compile(r"[0-9a-f]{40}")
_HEADER = re.compile(r"[A-Za-z][A-Za-z-]*")
_REQUIRED_HEADERS = ("Description", "Origin", "Author", "Forwarded", "Last-Update")


def load_series(directory: Path) -> Series:
    """Read one series.

    Raises:
        PatchError: the directory, its TOML or a patch file is missing or malformed.
    """
    source = directory / "series.toml"
    try:
        content = source.read_bytes()
        table = tomllib.loads(content.decode())
    except OSError as error:
        known = sorted(p.parent.name for p in directory.parent.glob("*/series.toml"))
        raise PatchError(
            f"there is no series {directory.name!r} in {directory.parent} ({error.strerror})",
            f"series there: {', '.join(known) or 'none'}",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PatchError(f"{source} is no TOML: {error}", "mend that line") from error
    fields = _Table(table, str(source))
    name = fields.text("name")
    if name != directory.name:
        raise fields.error(f"name {name!r} is not the directory's name")
    native = fields.optional("native")
    patches = tuple(
        _load_patch(directory, _Table(entry, f"{source}, patch {number}"))
        for number, entry in enumerate(fields.tables("patch"), 1)
    )
    metadata = [
        *(_requirement(_Table(e, f"{source}, requirement")) for e in fields.tables("requirement")),
        *(_header(_Table(e, f"{source}, header")) for e in fields.tables("header")),
    ]
    listed = {p.file for p in patches}
    series = Series(
        name=name,
        summary=fields.text("summary"),
        releases=fields.specifier("releases"),
        native=None if native is None else _specifier(native, str(source)),
        native_since=fields.optional("native-since") or "",
        patches=patches,
        metadata=tuple(metadata),
        sha256=hashlib.sha256(content).hexdigest(),
        stray=tuple(sorted(p.name for p in directory.glob("*.patch") if p.name not in listed)),
    )
    fields.finish()
    return series


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

    def has(self, key: str) -> bool:
        return key in self._table

    def optional(self, key: str) -> str | None:
        return self.text(key) if self.has(key) else None

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._table.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise self.error(f"{key} must be a list of texts")
        return tuple(value)

    def table(self, key: str) -> dict[str, Any]:
        value = self._table.pop(key, None)
        if not isinstance(value, dict) or not value:
            raise self.error(f"{key} must be a table")
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
    patch = _codemod(fields) if fields.has("codemod") else _diff(directory, fields)
    fields.finish()
    return patch


def _codemod(fields: _Table) -> CodemodPatch:
    # The codemods take 20 ms to import, which series of diffs need not pay.
    from builder.patching.codemods import CODEMODS, source_sha256

    name = fields.text("codemod")
    if name not in CODEMODS:
        raise fields.error(f"there is no codemod {name!r}, only {', '.join(CODEMODS)}")
    if fields.text("against") != "wheel":
        raise fields.error("a codemod is made against 'wheel'")
    globs = fields.texts("paths")
    if not globs:
        raise fields.error("paths must name at least one member or glob")
    return CodemodPatch(
        file=name,
        sha256=source_sha256(),
        releases=fields.specifier("releases"),
        globs=globs,
        mend=CODEMODS[name],
        description=fields.text("why"),
    )


def _diff(directory: Path, fields: _Table) -> DiffPatch:
    file = fields.text("file")
    content, text = _read(directory, file, fields)
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
    fields.optional("why")
    return DiffPatch(
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        releases=fields.specifier("releases"),
        against=against,
        blobs=blobs,
        hunks=hunks,
        description=headers["Description"].splitlines()[0].strip(),
    )


def _read(directory: Path, file: str, fields: _Table) -> tuple[bytes, str]:
    path = directory / file
    if path.parent != directory:
        raise fields.error(f"{file!r} is not a file of this series")
    try:
        content = path.read_bytes()
        return content, content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise fields.error(f"{file} cannot be read ({error})") from error


def _requirement(fields: _Table) -> MetadataPatch:
    why = fields.text("why")
    drops = [MetadataEdit("drop", "Requires-Dist", n, why) for n in fields.texts("drop")]
    adds = [MetadataEdit("add", "Requires-Dist", n, why) for n in fields.texts("add")]
    for edit in adds:
        try:
            Requirement(edit.value)
        except InvalidRequirement as error:
            raise fields.error(f"{edit.value!r} is no requirement") from error
    if not drops and not adds:
        raise fields.error("a requirement adds or drops something")
    patch = MetadataPatch(fields.specifier("releases"), (*drops, *adds))
    fields.finish()
    return patch


def _header(fields: _Table) -> MetadataPatch:
    why = fields.text("why")
    values = fields.table("set")
    for name, value in values.items():
        if not isinstance(value, str) or not value.isprintable() or not _HEADER.fullmatch(name):
            raise fields.error(f"{name!r} cannot be set to {value!r}")
    edits = tuple(MetadataEdit("set", name, str(value), why) for name, value in values.items())
    patch = MetadataPatch(fields.specifier("releases"), edits)
    fields.finish()
    return patch
