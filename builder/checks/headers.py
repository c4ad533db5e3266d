"""M and W checks: METADATA and WHEEL, each by itself."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from packaging.metadata import Metadata
from packaging.tags import parse_tag

from builder.checks.wheel_under_check import make_unchecked_findings
from builder.model import Finding

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from builder.checks.wheel_under_check import WheelUnderCheck
    from builder.wheel import metadata

# The core metadata specification marks only these as "multiple use".
_MULTIPLE_USE = frozenset(
    """
    classifier dynamic import-name import-namespace license-file obsoletes obsoletes-dist platform
    project-url provides provides-dist provides-extra requires requires-dist requires-external
    supported-platform
    """.split()  # noqa: SIM905 - a list of eighteen quoted words is harder to read
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
# Upstream's METADATA has about 50 header lines. The e-mail parser looks up each name in all of
# them, so its time grows with the square of their number.
_MAX_HEADER_LINES = 1000
# A compressed tag set such as py2.py3-none-any means the product of its parts (PEP 425), which a
# short text can make huge.
_MAX_TAGS = 64


def check_metadata(wheel: WheelUnderCheck) -> Iterator[Finding]:
    """Run all M checks on the wheel."""
    content = wheel.read_metadata_file("METADATA")
    document = wheel.read_document("METADATA")
    if content is None or document is None:
        why = wheel.explain_unread_file("METADATA")
        yield Finding("M401", "", why)
        yield from make_unchecked_findings(why, "M402", "M403", "M404", "M405")
        return
    try:
        content.decode()
    except UnicodeDecodeError as error:
        yield Finding("M401", "", f"it is not UTF-8 ({error.reason} at byte {error.start})")
        yield from make_unchecked_findings("METADATA is not UTF-8", "M402", "M403", "M404", "M405")
        return
    for name in _find_repeated_headers(document, _MULTIPLE_USE):
        yield Finding("M402", name, "it stands more than once")
    for about, problem in _find_malformed_lines(document):
        yield Finding("M403", about, problem)
    yield from _check_metadata_values(content)
    if not document.description.strip() and not document.get_values("Description"):
        yield Finding("M405", "", "the description is empty")


def check_wheel_metadata(wheel: WheelUnderCheck) -> Iterator[Finding]:
    """Run all W checks on the wheel."""
    document = wheel.read_document("WHEEL")
    if document is None:
        why = wheel.explain_unread_file("WHEEL")
        yield Finding("W501", "", why)
        yield from make_unchecked_findings(why, "W502", "W503", "W504", "W505")
        return
    version = document.get_values("Wheel-Version")
    if len(version) != 1 or not version[0].startswith("1."):
        yield Finding("W501", "Wheel-Version", f"it is {', '.join(version) or 'missing'}")
    if [v.lower() for v in document.get_values("Root-Is-Purelib")] != ["true"]:
        yield Finding("W504", "Root-Is-Purelib", "it is not just true")
    for name in _find_repeated_headers(document, {"tag"}):
        yield Finding("W505", name, "it stands more than once")
    for about, problem in _find_malformed_lines(document):
        yield Finding("W505", about, problem)
    yield from _check_tags_and_build(wheel, document)


def _check_tags_and_build(
    wheel: WheelUnderCheck, document: metadata.MetadataDocument
) -> Iterator[Finding]:
    if wheel.wheel_name is None:
        yield from make_unchecked_findings("the file name says nothing", "W502", "W503")
        return
    listed_tags = {tag for value in document.get_values("Tag") for tag in _expand_tags(value)}
    if listed_tags != _expand_tags(wheel.wheel_name.tag):
        actual = ", ".join(sorted(listed_tags))[:200] or "none"
        yield Finding("W502", "Tag", f"{actual}; the file name says {wheel.wheel_name.tag}")
    builds = document.get_values("Build")
    if builds != ([] if wheel.wheel_name.build_tag is None else [wheel.wheel_name.build_tag]):
        actual = ", ".join(builds) or "none"
        yield Finding("W503", "Build", f"{actual}; the file name says {wheel.wheel_name.build_tag}")


def _find_repeated_headers(
    document: metadata.MetadataDocument, multiple: Container[str]
) -> Iterator[str]:
    seen: set[str] = set()
    for header in document.headers:
        key = header.name.lower()
        if key in seen and key not in multiple:
            yield header.name
        seen.add(key)


def _find_malformed_lines(document: metadata.MetadataDocument) -> Iterator[tuple[str, str]]:
    for header in document.headers:
        text = header.raw.decode(errors="replace").removesuffix("\n").removesuffix("\r")
        if _CONTROL.search(text):
            yield header.name, "it has a control character"
    if document.rest and not re.match(rb"\r?\n", document.rest):
        line = document.rest.splitlines()[0][:60].decode(errors="replace")
        yield line, "it is no header and ends the block"


def _check_metadata_values(content: bytes) -> Iterator[Finding]:
    block = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").partition(b"\n\n")[0]
    lines = block.count(b"\n")
    if lines > _MAX_HEADER_LINES:
        yield Finding("M404", "", f"{lines} header lines are more than can be judged")
        return
    try:
        Metadata.from_email(content, validate=True)
    except ExceptionGroup as group:
        for error in group.exceptions:
            yield Finding("M404", getattr(error, "field", "") or "", _get_first_line(error))
    except Exception as error:
        yield Finding("M404", "", f"it cannot be parsed: {_get_first_line(error)}")


def _get_first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _expand_tags(text: str) -> frozenset[str]:
    if math.prod(part.count(".") + 1 for part in text.split("-")) > _MAX_TAGS:
        return frozenset({text})
    try:
        return frozenset(map(str, parse_tag(text)))
    except ValueError:
        return frozenset({text})
