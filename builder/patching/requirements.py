"""Edit METADATA as series ask for: drop and add requirements, set headers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.errors import PatchError
from builder.wheel import metadata
from builder.wheel.metadata import Header, MetadataDocument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.model import MetadataEdit


def edit_document(document: MetadataDocument, edits: Iterable[MetadataEdit]) -> MetadataDocument:
    """Return the document with the edits made, in order; all other lines keep their bytes.

    Raises:
        PatchError: a requirement to drop is missing, or one to add is already there.
    """
    for edit in edits:
        if edit.action == "set":
            document = metadata.replace_header(document, edit.header, edit.value)
        elif edit.action == "drop":
            document = _drop_requirement(document, edit)
        else:
            document = _add_requirement(document, edit)
    return document


def _drop_requirement(document: MetadataDocument, edit: MetadataEdit) -> MetadataDocument:
    wanted = canonicalize_name(edit.value)
    kept = tuple(h for h in document.headers if _parse_required_name(h, edit.header) != wanted)
    if len(kept) == len(document.headers):
        raise PatchError(
            f"METADATA has no {edit.header}: {edit.value} to drop ({edit.why})",
            "fix the releases of that entry in series.toml",
        )
    return document._replace(headers=kept)


def _add_requirement(document: MetadataDocument, edit: MetadataEdit) -> MetadataDocument:
    name = canonicalize_name(Requirement(edit.value).name)
    if any(_parse_required_name(h, edit.header) == name for h in document.headers):
        raise PatchError(
            f"METADATA has {edit.header}: {name} already ({edit.why})",
            "drop it in the same entry of series.toml, or fix that entry's releases",
        )
    line = Header(
        edit.header, f"{edit.header}: {edit.value}".encode() + metadata.detect_line_end(document)
    )
    places = [i for i, h in enumerate(document.headers) if h.name.lower() == edit.header.lower()]
    at = places[-1] + 1 if places else len(document.headers)
    return document._replace(headers=(*document.headers[:at], line, *document.headers[at:]))


def _parse_required_name(header: Header, name: str) -> str | None:
    """The distribution that a header requires, or None if it is another header."""
    return _parse_name(header.value) if header.name.lower() == name.lower() else None


@lru_cache(maxsize=1024)
def _parse_name(requirement: str) -> str | None:
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        return None
