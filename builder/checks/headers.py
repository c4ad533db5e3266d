"""M and W: METADATA and WHEEL, by themselves."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from packaging.metadata import Metadata
from packaging.tags import parse_tag

from builder.checks.subject import unchecked
from builder.model import Finding

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from builder.checks.subject import Subject
    from builder.wheel import metadata

# Core metadata specification: "multiple use" is said of these only.
_MULTIPLE = frozenset(
    """
    classifier dynamic import-name import-namespace license-file obsoletes obsoletes-dist platform
    project-url provides provides-dist provides-extra requires requires-dist requires-external
    supported-platform
    """.split()  # noqa: SIM905 - a list of eighteen quoted words is harder to read
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
# Upstream's METADATA has some 50 header lines. The e-mail parser looks each name up in all of them.
_MAX_HEADER_LINES = 1000
# A compressed tag set such as py2.py3-none-any stands for the product of its parts.
_MAX_TAGS = 64


def check_metadata(subject: Subject) -> Iterator[Finding]:
    """All M codes for the wheel."""
    content = subject.metadata_file("METADATA")
    document = subject.document("METADATA")
    if content is None or document is None:
        yield Finding("M401", "", "METADATA is missing or cannot be read")
        yield from unchecked("METADATA cannot be read", "M402", "M403", "M404", "M405")
        return
    try:
        content.decode()
    except UnicodeDecodeError as error:
        yield Finding("M401", "", f"it is not UTF-8 ({error.reason} at byte {error.start})")
        yield from unchecked("METADATA is not UTF-8", "M402", "M403", "M404", "M405")
        return
    for name in _repeated(document, _MULTIPLE):
        yield Finding("M402", name, "it stands more than once")
    for about, problem in _malformed(document):
        yield Finding("M403", about, problem)
    yield from _values(content)
    if not document.description.strip() and not document.values("Description"):
        yield Finding("M405", "", "the description is empty")


def check_wheel_file(subject: Subject) -> Iterator[Finding]:
    """All W codes for the wheel."""
    document = subject.document("WHEEL")
    if document is None:
        yield Finding("W501", "", "WHEEL is missing or cannot be read")
        yield from unchecked("WHEEL cannot be read", "W502", "W503", "W504", "W505")
        return
    version = document.values("Wheel-Version")
    if len(version) != 1 or not version[0].startswith("1."):
        yield Finding("W501", "Wheel-Version", f"it is {', '.join(version) or 'missing'}")
    if [v.lower() for v in document.values("Root-Is-Purelib")] != ["true"]:
        yield Finding("W504", "Root-Is-Purelib", "it is not just true")
    for name in _repeated(document, {"tag"}):
        yield Finding("W505", name, "it stands more than once")
    for about, problem in _malformed(document):
        yield Finding("W505", about, problem)
    yield from _tags_and_build(subject, document)


def _tags_and_build(subject: Subject, document: metadata.Document) -> Iterator[Finding]:
    if subject.name is None:
        yield from unchecked("the file name says nothing", "W502", "W503")
        return
    inside = {tag for value in document.values("Tag") for tag in _tags(value)}
    if inside != _tags(subject.name.tag):
        told = ", ".join(sorted(inside))[:200] or "none"
        yield Finding("W502", "Tag", f"{told}; the file name says {subject.name.tag}")
    builds = document.values("Build")
    if builds != ([] if subject.name.build_tag is None else [subject.name.build_tag]):
        told = ", ".join(builds) or "none"
        yield Finding("W503", "Build", f"{told}; the file name says {subject.name.build_tag}")


def _repeated(document: metadata.Document, multiple: Container[str]) -> Iterator[str]:
    seen: set[str] = set()
    for header in document.headers:
        key = header.name.lower()
        if key in seen and key not in multiple:
            yield header.name
        seen.add(key)


def _malformed(document: metadata.Document) -> Iterator[tuple[str, str]]:
    for header in document.headers:
        text = header.raw.decode(errors="replace").removesuffix("\n").removesuffix("\r")
        if _CONTROL.search(text):
            yield header.name, "it has a control character"
    if document.rest and not re.match(rb"\r?\n", document.rest):
        line = document.rest.splitlines()[0][:60].decode(errors="replace")
        yield line, "it is no header and ends the block"


def _values(content: bytes) -> Iterator[Finding]:
    block = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").partition(b"\n\n")[0]
    lines = block.count(b"\n")
    if lines > _MAX_HEADER_LINES:
        yield Finding("M404", "", f"{lines} header lines are more than can be judged")
        return
    try:
        Metadata.from_email(content, validate=True)
    except ExceptionGroup as group:
        for error in group.exceptions:
            yield Finding("M404", getattr(error, "field", "") or "", _first_line(error))
    except Exception as error:
        yield Finding("M404", "", f"it cannot be parsed: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _tags(text: str) -> frozenset[str]:
    if math.prod(part.count(".") + 1 for part in text.split("-")) > _MAX_TAGS:
        return frozenset({text})
    try:
        return frozenset(map(str, parse_tag(text)))
    except ValueError:
        return frozenset({text})
