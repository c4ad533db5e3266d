"""M and W: METADATA and WHEEL, by themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.metadata import Metadata
from packaging.tags import parse_tag

from builder.model import Finding
from builder.wheel import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.checks.subject import Subject

# Core metadata specification: "multiple use" is said of these only.
_MULTIPLE = frozenset(
    """
    classifier dynamic import-name import-namespace license-file obsoletes obsoletes-dist platform
    project-url provides provides-dist provides-extra requires requires-dist requires-external
    supported-platform
    """.split()  # noqa: SIM905 - a list of eighteen quoted words is harder to read
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")


def check_metadata(subject: Subject) -> Iterator[Finding]:
    """All M codes for the wheel."""
    content = subject.metadata_file("METADATA")
    if content is None:
        yield Finding("M401", "", "METADATA is missing or cannot be read")
        return
    try:
        content.decode()
    except UnicodeDecodeError as error:
        yield Finding("M401", "", f"it is not UTF-8 ({error.reason} at byte {error.start})")
        return
    document = metadata.parse(content)
    yield from _form(document)
    yield from _values(content)
    if not document.description.strip() and not document.values("Description"):
        yield Finding("M405", "", "the description is empty")


def check_wheel_file(subject: Subject) -> Iterator[Finding]:
    """All W codes for the wheel."""
    content = subject.metadata_file("WHEEL")
    if content is None:
        yield Finding("W501", "", "WHEEL is missing or cannot be read")
        return
    document = metadata.parse(content)
    version = document.values("Wheel-Version")
    if len(version) != 1 or not version[0].startswith("1."):
        yield Finding("W501", "Wheel-Version", f"it is {', '.join(version) or 'missing'}")
    if [v.lower() for v in document.values("Root-Is-Purelib")] != ["true"]:
        yield Finding("W504", "Root-Is-Purelib", "it is not just true")
    if subject.name is None:
        return
    inside = {str(t) for value in document.values("Tag") for t in _tags(value)}
    outside = {str(t) for t in _tags(subject.name.tag)}
    if inside != outside:
        told = ", ".join(sorted(inside)) or "none"
        yield Finding("W502", "Tag", f"{told}; the file name says {subject.name.tag}")
    builds = document.values("Build")
    if builds != ([] if subject.name.build_tag is None else [subject.name.build_tag]):
        told = ", ".join(builds) or "none"
        yield Finding("W503", "Build", f"{told}; the file name says {subject.name.build_tag}")


def _form(document: metadata.Document) -> Iterator[Finding]:
    seen: set[str] = set()
    for header in document.headers:
        key = header.name.lower()
        if key in seen and key not in _MULTIPLE:
            yield Finding("M402", header.name, "it stands more than once")
        seen.add(key)
        if _CONTROL.search(header.raw.decode().removesuffix("\n").removesuffix("\r")):
            yield Finding("M403", header.name, "it has a control character")
    if document.rest and not re.match(rb"\r?\n", document.rest):
        line = document.rest.splitlines()[0][:60].decode(errors="replace")
        yield Finding("M403", line, "it is no header and ends the block")


def _values(content: bytes) -> Iterator[Finding]:
    try:
        Metadata.from_email(content, validate=True)
    except ExceptionGroup as group:
        for error in group.exceptions:
            field = getattr(error, "field", "") or ""
            yield Finding("M404", field, str(error).splitlines()[0])


def _tags(text: str) -> frozenset[object]:
    try:
        return frozenset(parse_tag(text))
    except ValueError:
        return frozenset({text})
