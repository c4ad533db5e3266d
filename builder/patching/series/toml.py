"""Read and validate `series.toml` and the patch files in the same directory.

Each patch file begins with DEP-3 headers (https://dep-team.pages.debian.net/deps/dep3/), then a
line `---`, then a unified diff. The TOML says to which releases each entry applies and what it was
made against. An unknown key is an error, so that a misspelt one is not ignored.
"""

from __future__ import annotations

import hashlib
import re
from email.parser import HeaderParser
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from builder.errors import PatchError, RequestError, shorten_reason
from builder.model import MetadataEdit
from builder.patching import diff
from builder.patching.codemods import CODEMODS, apply_codemod, hash_codemod_source
from builder.patching.series.values import CodemodPatch, DiffPatch, MetadataPatch, Series
from builder.system.input_files import MAX_DOCUMENT, read_input_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_T = TypeVar("_T")
_SERIES_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_REQUIRED_HEADERS = ("Description", "Origin", "Author", "Forwarded", "Last-Update")
_Text = Annotated[str, msgspec.Meta(min_length=1)]
_GIT_BLOB = re.compile(r"[0-9a-f]{40}")
_HeaderName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z-]*\Z")]


class _PatchEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[[patch]]`: a diff in `file`, or a `codemod` on members that match `paths`."""

    releases: SpecifierSet
    against: Literal["git", "wheel"]
    file: _Text | None = None
    codemod: _Text | None = None
    blobs: dict[str, tuple[str, ...]] = {}
    paths: tuple[_Text, ...] = ()
    why: _Text | None = None


class _RequirementEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[[requirement]]`: what is taken out of Requires-Dist, and what is added."""

    releases: SpecifierSet
    why: _Text
    drop: tuple[_Text, ...] = ()
    add: tuple[_Text, ...] = ()


class _HeaderEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[[header]]`: headers of METADATA, and their new values."""

    releases: SpecifierSet
    why: _Text
    set: Annotated[dict[_HeaderName, str], msgspec.Meta(min_length=1)]


class _SeriesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """`series.toml`."""

    name: _Text
    summary: _Text
    releases: SpecifierSet
    native: SpecifierSet | None = None
    native_since: _Text | None = None
    patch: tuple[_PatchEntry, ...] = ()
    requirement: tuple[_RequirementEntry, ...] = ()
    header: tuple[_HeaderEntry, ...] = ()


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
    path = directory / "series.toml"
    try:
        content = read_input_file(path, MAX_DOCUMENT)
    except OSError as error:
        known = sorted(p.parent.name for p in directory.parent.glob("*/series.toml"))
        raise PatchError(
            f"there is no series {directory.name!r} in {directory.parent} ({error.strerror})",
            f"series there: {', '.join(known) or 'none'}",
        ) from error
    try:
        file = msgspec.toml.decode(content, type=_SeriesFile, dec_hook=_parse_specifier)
    except msgspec.ValidationError as error:
        raise _make_error(path, shorten_reason(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PatchError(f"{path} is no TOML: {shorten_reason(error)}", "fix that line") from error
    if file.name != directory.name:
        raise _make_error(path, f"name {file.name!r} is not the directory's name")
    requirements = _name_places(file.requirement, path, "requirement")
    headers = _name_places(file.header, path, "header")
    patches = tuple(
        _load_diff(entry, directory, where)
        if entry.codemod is None
        else _load_codemod(entry, entry.codemod, where)
        for entry, where in _name_places(file.patch, path, "patch")
    )
    listed = {p.file for p in patches}
    return Series(
        name=file.name,
        summary=file.summary,
        releases=file.releases,
        native=file.native,
        native_since=file.native_since or "",
        patches=patches,
        metadata=(
            *(_load_requirement(entry, where) for entry, where in requirements),
            *(_load_header(entry, where) for entry, where in headers),
        ),
        sha256=hashlib.sha256(content).hexdigest(),
        unlisted_files=tuple(
            sorted(p.name for p in directory.glob("*.patch") if p.name not in listed)
        ),
    )


def _name_places(entries: Sequence[_T], path: Path, key: str) -> Iterator[tuple[_T, str]]:
    """Name the place of each entry for error messages, as msgspec names it: from 0."""
    return ((entry, f"{path}, `$.{key}[{number}]`") for number, entry in enumerate(entries))


def _make_error(where: Path | str, why: str) -> PatchError:
    return PatchError(f"{where}: {why}", "the README of patches/ shows the form")


def _parse_specifier(kind: type, value: Any) -> SpecifierSet:
    """Parse a specifier for msgspec, which names the place where a ValueError came from."""
    if kind is not SpecifierSet or not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    try:
        return SpecifierSet(value)
    except InvalidSpecifier:
        raise ValueError(f"{value!r} is no version specifier, such as '>=1.13,<2.3'") from None


def _load_codemod(entry: _PatchEntry, name: str, where: str) -> CodemodPatch:
    if name not in CODEMODS:
        raise _make_error(where, f"there is no codemod {name!r}, only {', '.join(CODEMODS)}")
    if entry.against != "wheel" or entry.file is not None or entry.blobs:
        raise _make_error(where, "a codemod is made against 'wheel', without file and blobs")
    if not entry.paths:
        raise _make_error(where, "paths must name at least one member or glob")
    if entry.why is None:
        raise _make_error(where, "why is missing")
    return CodemodPatch(
        file=name,
        sha256=hash_codemod_source(),
        releases=entry.releases,
        globs=entry.paths,
        transform=partial(apply_codemod, name),
        description=entry.why,
    )


def _load_diff(entry: _PatchEntry, directory: Path, where: str) -> DiffPatch:
    file = entry.file
    if file is None or entry.paths:
        raise _make_error(where, "a patch has a file, or a codemod with paths")
    content, text = _read_patch_file(directory, file, where)
    head, separator, body = text.partition("\n---\n")
    headers = HeaderParser().parsestr(head)
    missing = [h for h in _REQUIRED_HEADERS if not headers.get(h, "").strip()]
    if not separator or missing:
        lacking = ", ".join(missing) or "block"
        raise _make_error(where, f"{file} lacks the DEP-3 header {lacking}")
    try:
        hunks = diff.parse_diff(body)
    except diff.DiffError as error:
        raise _make_error(where, f"{file}: {error}") from error
    if entry.against == "git" and set(entry.blobs) != set(hunks):
        raise _make_error(where, f"blobs must name just what {file} changes: {', '.join(hunks)}")
    if entry.against == "wheel" and entry.blobs:
        raise _make_error(where, "blobs belong to patches made against git")
    for path, blobs in entry.blobs.items():
        if not blobs or not all(map(_GIT_BLOB.fullmatch, blobs)):
            raise _make_error(where, f"blobs of {path} are no git blobs, of 40 hex digits each")
    return DiffPatch(
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        releases=entry.releases,
        against=entry.against,
        blobs=entry.blobs,
        hunks=hunks,
        description=headers["Description"].splitlines()[0].strip(),
    )


def _read_patch_file(directory: Path, file: str, where: str) -> tuple[bytes, str]:
    path = directory / file
    if path.parent != directory:
        raise _make_error(where, f"{file!r} is not a file of this series")
    try:
        content = read_input_file(path, MAX_DOCUMENT)
        return content, content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise _make_error(where, f"{file} cannot be read ({error})") from error


def _load_requirement(entry: _RequirementEntry, where: str) -> MetadataPatch:
    for text in entry.add:
        try:
            Requirement(text)
        except InvalidRequirement as error:
            raise _make_error(where, f"{text!r} is no requirement") from error
    edits = (
        *(MetadataEdit("drop", "Requires-Dist", name, entry.why) for name in entry.drop),
        *(MetadataEdit("add", "Requires-Dist", text, entry.why) for text in entry.add),
    )
    if not edits:
        raise _make_error(where, "a requirement adds or drops something")
    return MetadataPatch(entry.releases, edits)


def _load_header(entry: _HeaderEntry, where: str) -> MetadataPatch:
    for name, value in entry.set.items():
        if not value.isprintable():
            raise _make_error(where, f"{name!r} cannot be set to {value!r}")
    edits = (MetadataEdit("set", name, value, entry.why) for name, value in entry.set.items())
    return MetadataPatch(entry.releases, tuple(edits))
