"""Read and validate `series.toml` and the patch files in the same directory.

Each patch file begins with DEP-3 headers (https://dep-team.pages.debian.net/deps/dep3/), then a
line `---`, then a unified diff. The TOML says to which releases each entry applies and what it was
made against. An unknown key is an error, so that a misspelt one is not ignored.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from builder.errors import PatchError, RequestError
from builder.model import MetadataEdit
from builder.patching import diff
from builder.patching.series.values import CodemodPatch, DiffPatch, MetadataPatch, Series

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from builder.patching.series.values import Patch

_BLOB_ID = re.compile(r"[0-9a-f]{40}")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z-]*")
_SERIES_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_REQUIRED_HEADERS = ("Description", "Origin", "Author", "Forwarded", "Last-Update")


def load_all_series(patches: Path, names: Sequence[str]) -> list[Series]:
    """Read several series.

    Args:
        patches: the directory that contains the series.
        names: the names of the series, in the order in which they are applied. They may come from
            the statement of a wheel, so a name must not lead out of the directory.

    Raises:
        RequestError: a name is not a valid series name, or occurs twice.
        PatchError: a series is missing or malformed.
    """
    for name in names:
        if not _SERIES_NAME.fullmatch(name) or names.count(name) > 1:
            raise RequestError(
                f"{name!r} is no series name, or stands twice",
                "name series as the directories in patches/ are called, each once",
            )
    return [load_series(patches / name) for name in names]


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
        raise PatchError(f"{source} is no TOML: {error}", "fix that line") from error
    fields = _TomlTable(table, str(source))
    name = fields.take_text("name")
    if name != directory.name:
        raise fields.make_error(f"name {name!r} is not the directory's name")
    native = fields.take_optional_text("native")
    patches = tuple(
        _load_patch(directory, _TomlTable(entry, f"{source}, patch {number}"))
        for number, entry in enumerate(fields.take_tables("patch"), 1)
    )
    metadata = [
        *(
            _load_requirement(_TomlTable(e, f"{source}, requirement"))
            for e in fields.take_tables("requirement")
        ),
        *(_load_header(_TomlTable(e, f"{source}, header")) for e in fields.take_tables("header")),
    ]
    listed = {p.file for p in patches}
    series = Series(
        name=name,
        summary=fields.take_text("summary"),
        releases=fields.take_specifier("releases"),
        native=None if native is None else _parse_specifier(native, str(source)),
        native_since=fields.take_optional_text("native-since") or "",
        patches=patches,
        metadata=tuple(metadata),
        sha256=hashlib.sha256(content).hexdigest(),
        unlisted_files=tuple(
            sorted(p.name for p in directory.glob("*.patch") if p.name not in listed)
        ),
    )
    fields.refuse_unknown_keys()
    return series


class _TomlTable:
    """A TOML table whose keys are removed as they are read, so that unknown keys can be refused."""

    def __init__(self, table: dict[str, Any], where: str) -> None:
        self._table = table
        self._where = where

    def make_error(self, why: str) -> PatchError:
        return PatchError(f"{self._where}: {why}", "the README of patches/ shows the form")

    def take_text(self, key: str) -> str:
        value = self._table.pop(key, None)
        if not isinstance(value, str) or not value:
            raise self.make_error(f"{key} is missing or no text")
        return value

    def has_key(self, key: str) -> bool:
        return key in self._table

    def take_optional_text(self, key: str) -> str | None:
        return self.take_text(key) if self.has_key(key) else None

    def take_texts(self, key: str) -> tuple[str, ...]:
        value = self._table.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise self.make_error(f"{key} must be a list of texts")
        return tuple(value)

    def take_table(self, key: str) -> dict[str, Any]:
        value = self._table.pop(key, None)
        if not isinstance(value, dict) or not value:
            raise self.make_error(f"{key} must be a table")
        return value

    def take_specifier(self, key: str) -> SpecifierSet:
        return _parse_specifier(self.take_text(key), self._where)

    def take_tables(self, key: str) -> list[dict[str, Any]]:
        value = self._table.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise self.make_error(f"{key} must be written as [[{key}]]")
        return value

    def take_blobs(self) -> dict[str, tuple[str, ...]]:
        value = self._table.pop("blobs", {})
        if not isinstance(value, dict):
            raise self.make_error("blobs must be a table: path = [git blob, …]")
        for path, blobs in value.items():
            if not isinstance(blobs, list) or not blobs:
                raise self.make_error(f"blobs of {path} must be a list of git blobs")
            if not all(isinstance(b, str) and _BLOB_ID.fullmatch(b) for b in blobs):
                raise self.make_error(f"blobs of {path} are not all git blobs (40 hex digits)")
        return {path: tuple(blobs) for path, blobs in value.items()}

    def refuse_unknown_keys(self) -> None:
        if self._table:
            raise self.make_error(f"unknown key {sorted(self._table)[0]!r}")


def _parse_specifier(text: object, where: str) -> SpecifierSet:
    try:
        return SpecifierSet(str(text))
    except InvalidSpecifier as error:
        raise PatchError(
            f"{where}: {text!r} is no version specifier", "write it like '>=1.13,<2.3'"
        ) from error


def _load_patch(directory: Path, fields: _TomlTable) -> Patch:
    patch = _load_codemod(fields) if fields.has_key("codemod") else _load_diff(directory, fields)
    fields.refuse_unknown_keys()
    return patch


def _load_codemod(fields: _TomlTable) -> CodemodPatch:
    # Importing the codemods takes 20 ms, which a series that has only diffs does not need.
    from builder.patching.codemods import CODEMODS, hash_codemod_source

    name = fields.take_text("codemod")
    if name not in CODEMODS:
        raise fields.make_error(f"there is no codemod {name!r}, only {', '.join(CODEMODS)}")
    if fields.take_text("against") != "wheel":
        raise fields.make_error("a codemod is made against 'wheel'")
    globs = fields.take_texts("paths")
    if not globs:
        raise fields.make_error("paths must name at least one member or glob")
    return CodemodPatch(
        file=name,
        sha256=hash_codemod_source(),
        releases=fields.take_specifier("releases"),
        globs=globs,
        transform=CODEMODS[name],
        description=fields.take_text("why"),
    )


def _load_diff(directory: Path, fields: _TomlTable) -> DiffPatch:
    file = fields.take_text("file")
    content, text = _read_patch_file(directory, file, fields)
    head, separator, body = text.partition("\n---\n")
    headers = HeaderParser().parsestr(head)
    missing = [h for h in _REQUIRED_HEADERS if not headers.get(h, "").strip()]
    if not separator or missing:
        raise fields.make_error(f"{file} lacks the DEP-3 header {', '.join(missing) or 'block'}")
    try:
        hunks = diff.parse_diff(body)
    except diff.DiffError as error:
        raise fields.make_error(f"{file}: {error}") from error
    against = fields.take_text("against")
    blobs = fields.take_blobs()
    if against not in ("git", "wheel"):
        raise fields.make_error(f"against must be 'git' or 'wheel', not {against!r}")
    if against == "git" and set(blobs) != set(hunks):
        raise fields.make_error(f"blobs must name just what {file} changes: {', '.join(hunks)}")
    if against == "wheel" and blobs:
        raise fields.make_error("blobs belong to patches made against git")
    fields.take_optional_text("why")
    return DiffPatch(
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        releases=fields.take_specifier("releases"),
        against=against,
        blobs=blobs,
        hunks=hunks,
        description=headers["Description"].splitlines()[0].strip(),
    )


def _read_patch_file(directory: Path, file: str, fields: _TomlTable) -> tuple[bytes, str]:
    path = directory / file
    if path.parent != directory:
        raise fields.make_error(f"{file!r} is not a file of this series")
    try:
        content = path.read_bytes()
        return content, content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise fields.make_error(f"{file} cannot be read ({error})") from error


def _load_requirement(fields: _TomlTable) -> MetadataPatch:
    why = fields.take_text("why")
    drops = [MetadataEdit("drop", "Requires-Dist", n, why) for n in fields.take_texts("drop")]
    adds = [MetadataEdit("add", "Requires-Dist", n, why) for n in fields.take_texts("add")]
    for edit in adds:
        try:
            Requirement(edit.value)
        except InvalidRequirement as error:
            raise fields.make_error(f"{edit.value!r} is no requirement") from error
    if not drops and not adds:
        raise fields.make_error("a requirement adds or drops something")
    patch = MetadataPatch(fields.take_specifier("releases"), (*drops, *adds))
    fields.refuse_unknown_keys()
    return patch


def _load_header(fields: _TomlTable) -> MetadataPatch:
    why = fields.take_text("why")
    values = fields.take_table("set")
    for name, value in values.items():
        if (
            not isinstance(value, str)
            or not value.isprintable()
            or not _HEADER_NAME.fullmatch(name)
        ):
            raise fields.make_error(f"{name!r} cannot be set to {value!r}")
    edits = tuple(MetadataEdit("set", name, str(value), why) for name, value in values.items())
    patch = MetadataPatch(fields.take_specifier("releases"), edits)
    fields.refuse_unknown_keys()
    return patch
