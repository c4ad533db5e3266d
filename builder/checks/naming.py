"""N checks: file name, dist-info directory, and the name and version in METADATA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from builder.checks.wheel_under_check import make_unchecked_findings
from builder.errors import RequestError
from builder.model import PACKAGE, Finding
from builder.wheel import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.checks.wheel_under_check import WheelUnderCheck
    from builder.wheel import metadata


def check_names(wheel: WheelUnderCheck) -> Iterator[Finding]:
    """Run all N checks on the wheel."""
    name = wheel.wheel_name
    if name is None:
        yield Finding("N201", wheel.filename, "it is not name-version[-build]-py-abi-platform.whl")
    else:
        yield from _check_filename(name)
    yield from _check_dist_info(wheel)
    yield from _check_top_level(wheel)
    document = wheel.read_document("METADATA")
    if name is None:
        yield from make_unchecked_findings("the file name says nothing", "N204", "N205", "N206")
        return
    if document is None:
        yield from make_unchecked_findings("METADATA cannot be read", "N204", "N205")
    else:
        yield from _check_name_and_version(name, document)
    yield from _check_official_name(name, document)


def _check_filename(name: names.WheelName) -> Iterator[Finding]:
    try:
        normalized = names.is_normalized(name)
    except ValueError:  # more digits than Python converts to an int
        normalized = False
    if not normalized:
        yield Finding("N201", name.filename, "its name or version is not normalised")
    if name.build_tag is not None:
        try:
            names.check_build_tag(name.build_tag)
        except RequestError as error:
            yield Finding("N201", name.filename, error.message)


def _check_dist_info(wheel: WheelUnderCheck) -> Iterator[Finding]:
    found = wheel.dist_infos
    if len(found) != 1:
        yield Finding("N202", "", f"there are {len(found)} ({', '.join(found) or 'none'})")
    elif wheel.wheel_name is not None and found[0] != wheel.wheel_name.dist_info:
        yield Finding("N202", found[0], f"it should be {wheel.wheel_name.dist_info}")


def _check_top_level(wheel: WheelUnderCheck) -> Iterator[Finding]:
    allowed = {PACKAGE, *wheel.dist_infos}
    for member in wheel.archive.members:
        top, slash, _ = member.name.partition("/")
        if top not in allowed or not slash:
            yield Finding("N203", member.name, "pip would put it beside the package")


def _check_name_and_version(
    name: names.WheelName, document: metadata.MetadataDocument
) -> Iterator[Finding]:
    for declared in document.get_values("Name") or [""]:
        if _normalize_name(declared) != _normalize_name(name.name):
            yield Finding("N204", declared, f"the file name says {name.name}")
    for declared in document.get_values("Version") or [""]:
        if _parse_version(declared) != _parse_version(name.version):
            yield Finding("N205", declared, f"the file name says {name.version}")


def _check_official_name(
    name: names.WheelName, document: metadata.MetadataDocument | None
) -> Iterator[Finding]:
    metadata_names = [] if document is None else document.get_values("Name")
    if "+" not in name.version and PACKAGE in map(_normalize_name, [name.name, *metadata_names]):
        yield Finding("N206", name.filename, f"{name.version} has no local version")


def _normalize_name(text: str) -> str | None:
    try:
        return names.normalize_name(text)
    except RequestError:
        return None


def _parse_version(text: str) -> Version | str:
    try:
        return Version(text)
    except ValueError:  # malformed, or more digits than Python converts to an int
        return text
