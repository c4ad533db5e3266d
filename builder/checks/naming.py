"""N: file name, dist-info directory, and the name and version in METADATA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from builder.checks.subject import unchecked
from builder.errors import RequestError
from builder.model import PACKAGE, Finding
from builder.wheel import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.checks.subject import Subject
    from builder.wheel import metadata


def check_names(subject: Subject) -> Iterator[Finding]:
    """All N codes for the wheel."""
    name = subject.name
    if name is None:
        yield Finding(
            "N201", subject.filename, "it is not name-version[-build]-py-abi-platform.whl"
        )
    else:
        yield from _spelling(name)
    yield from _dist_info(subject)
    yield from _places(subject)
    document = subject.document("METADATA")
    if name is None:
        yield from unchecked("the file name says nothing", "N204", "N205", "N206")
        return
    if document is None:
        yield from unchecked("METADATA cannot be read", "N204", "N205")
    else:
        yield from _same(name, document)
    yield from _official(name, document)


def _spelling(name: names.WheelName) -> Iterator[Finding]:
    try:
        normalized = names.is_normalized(name)
    except ValueError:  # more digits than Python makes a number of
        normalized = False
    if not normalized:
        yield Finding("N201", name.filename, "its name or version is not normalised")
    if name.build_tag is not None:
        try:
            names.check_build_tag(name.build_tag)
        except RequestError as error:
            yield Finding("N201", name.filename, error.message)


def _dist_info(subject: Subject) -> Iterator[Finding]:
    found = subject.dist_infos
    if len(found) != 1:
        yield Finding("N202", "", f"there are {len(found)} ({', '.join(found) or 'none'})")
    elif subject.name is not None and found[0] != subject.name.dist_info:
        yield Finding("N202", found[0], f"it should be {subject.name.dist_info}")


def _places(subject: Subject) -> Iterator[Finding]:
    allowed = {PACKAGE, *subject.dist_infos}
    for member in subject.archive.members:
        top, slash, _ = member.name.partition("/")
        if top not in allowed or not slash:
            yield Finding("N203", member.name, "pip would put it beside the package")


def _same(name: names.WheelName, document: metadata.Document) -> Iterator[Finding]:
    for said in document.values("Name") or [""]:
        if _normalized(said) != _normalized(name.name):
            yield Finding("N204", said, f"the file name says {name.name}")
    for said in document.values("Version") or [""]:
        if _version(said) != _version(name.version):
            yield Finding("N205", said, f"the file name says {name.version}")


def _official(name: names.WheelName, document: metadata.Document | None) -> Iterator[Finding]:
    inside = [] if document is None else document.values("Name")
    if "+" not in name.version and PACKAGE in map(_normalized, [name.name, *inside]):
        yield Finding("N206", name.filename, f"{name.version} has no local version")


def _normalized(text: str) -> str | None:
    try:
        return names.normalize(text)
    except RequestError:
        return None


def _version(text: str) -> Version | str:
    try:
        return Version(text)
    except ValueError:  # malformed, or more digits than Python makes a number of
        return text
