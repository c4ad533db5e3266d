"""N: file name, dist-info directory, and the name and version in METADATA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from builder.errors import RequestError
from builder.model import PACKAGE, Finding
from builder.wheel import metadata, names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.checks.subject import Subject


def check_names(subject: Subject) -> Iterator[Finding]:
    """All N codes for the wheel."""
    name = subject.name
    if name is None:
        yield Finding(
            "N201", subject.filename, "it is not name-version[-build]-py-abi-platform.whl"
        )
    elif not names.is_normalized(name):
        yield Finding("N201", subject.filename, "its name or version is not normalised")
    yield from _dist_info(subject)
    yield from _places(subject)
    content = subject.metadata_file("METADATA")
    if name is not None and content is not None:
        yield from _same(name, metadata.parse(content))


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
    for said in {name.name, *document.values("Name")}:
        if _normalized(said) == PACKAGE and "+" not in name.version:
            yield Finding("N206", said, f"{name.version} has no local version")
            break


def _normalized(text: str) -> str | None:
    try:
        return names.normalize(text)
    except RequestError:
        return None


def _version(text: str) -> Version | str:
    try:
        return Version(text)
    except InvalidVersion:
        return text
