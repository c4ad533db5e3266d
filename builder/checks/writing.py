"""D709: the wheel is, byte for byte, what our own writer makes of the stock wheel and the patches.

The other checks compare contents. The same contents can be written in many ways, and some of them
hide bytes, as in the padding of a deflate stream. So the wheel is written again and compared. The
name, version and build tag are those of the file and its METADATA. Our writer does not depend on
zlib (`builder.wheel.serialize`), so the outcome is the same on every machine.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from builder.checks.wheel_under_check import (
    MAX_TEXT,
    ReadError,
    hash_member,
    make_unchecked_findings,
    read_small_member,
)
from builder.errors import BuilderError
from builder.model import PACKAGE, Finding, Identity, IdentityKind
from builder.patching.overlay import write_overlay
from builder.wheel import archive, names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.checks.wheel_under_check import WheelUnderCheck
    from builder.model import Delta, Release
    from builder.wheel.archive import Archive
    from builder.wheel.member import ZipMember

_CODE = "D709"


def check_writing(wheel: WheelUnderCheck, release: Release | None) -> Iterator[Finding]:
    """Compare a wheel with the overlay of its stock wheel that our own writer makes.

    Args:
        wheel: the wheel, with its stock wheel and delta.
        release: the release of the stock wheel, or None if it is unknown.
    """
    if wheel.stock is None or wheel.delta is None or release is None:
        yield from make_unchecked_findings("what it should be made from is not at hand", _CODE)
        return
    if any(member.size > MAX_TEXT for member in wheel.stock_metadata_files.values()):
        yield from make_unchecked_findings("the stock wheel's metadata is too large", _CODE)
        return
    try:
        wanted = _write_wanted_wheel(wheel, wheel.stock, wheel.delta, release)
        if wanted != wheel.archive.data:
            yield from _compare_archives(wheel, archive.parse_archive(wanted, wheel.filename))
    except (BuilderError, ValueError) as error:
        yield from make_unchecked_findings(f"it cannot be written again: {error}", _CODE)


def _write_wanted_wheel(
    wheel: WheelUnderCheck, stock: Archive, delta: Delta, release: Release
) -> bytes:
    """Write the wheel that has the identity of this one.

    Raises:
        BuilderError: it cannot be written, or this one does not say its name.
        ValueError: its file name has control characters.
    """
    parts = names.parse_wheel_filename(wheel.filename)
    document = wheel.read_document("METADATA")
    declared = [] if document is None else document.get_values("Name")
    name = next(iter(declared), "")
    official = names.normalize_name(name) == PACKAGE
    identity = Identity(
        IdentityKind.LOCAL if official else IdentityKind.TEST,
        PACKAGE if official else name,
        parts.version,
        parts.build_tag,
    )
    _, pieces = write_overlay(release, stock, delta, identity)
    return b"".join(pieces)


def _compare_archives(wheel: WheelUnderCheck, wanted: Archive) -> Iterator[Finding]:
    """Say where two archives differ whose bytes do: at least one finding."""
    differing = [
        *_compare_layouts(wheel.archive, wanted),
        *(
            Finding(_CODE, member.name, f"not as this tool writes it: {', '.join(words)}")
            for member, words in _compare_members(wheel, wanted)
        ),
    ]
    yield from differing or [Finding(_CODE, "", "its bytes are not those that this tool writes")]


def _compare_layouts(found: Archive, wanted: Archive) -> Iterator[Finding]:
    listed, wanted_names = ([m.name for m in a.members] for a in (found, wanted))
    if listed != wanted_names:
        first = next(a or b for a, b in zip_longest(listed, wanted_names) if a != b)
        same = sorted(listed) == sorted(wanted_names)
        how = "stand in another order than" if same else "are others than those that"
        yield Finding(_CODE, first or "", f"from here on, members {how} this tool writes")
    elif _sort_by_place(found) != _sort_by_place(wanted):
        yield Finding(_CODE, "", "the members lie in another order than the directory lists them")
    if found.comment or found.leading or found.between or found.trailing:
        yield Finding(_CODE, "", "bytes lie outside of its members, which this tool does not write")


def _sort_by_place(found: Archive) -> list[str]:
    return [m.name for m in sorted(found.members, key=lambda m: m.offset)]


def _compare_members(
    wheel: WheelUnderCheck, wanted: Archive
) -> Iterator[tuple[ZipMember, list[str]]]:
    # Each wanted member once, as a hostile directory can list one name thousands of times.
    for other in wanted.members:
        member = wheel.archive.find_member(other.name)
        words = [] if member is None else list(_describe_difference(wheel, member, other))
        if member is not None and words:
            yield member, words


def _describe_difference(
    wheel: WheelUnderCheck, found: ZipMember, wanted: ZipMember
) -> Iterator[str]:
    headers = [_get_header_fields(member) for member in (found, wanted)]
    differing = [name for name in headers[0] if headers[0][name] != headers[1][name]]
    yield from differing
    if bytes(found.data) != bytes(wanted.data):
        yield _describe_content(wheel, found, wanted)
    elif (found.crc, found.size) != (wanted.crc, wanted.size):
        yield "CRC-32 or size"
    elif found.local != wanted.local and not differing:
        yield "local header"
    if bytes(found.descriptor) != bytes(wanted.descriptor):
        yield "bytes behind it"


def _get_header_fields(member: ZipMember) -> dict[str, object]:
    """Name each field of the directory entry that does not follow from the content and place."""
    return {
        "spelling of its name": member.raw_name,
        "version made by": (member.create_version, member.create_system),
        "version needed": (member.extract_version, member.reserved),
        "flags": member.flags,
        "compression method": member.method,
        "timestamp": (member.date, member.time),
        "attributes": (member.internal_attr, member.external_attr),
        "extra field": (member.extra, member.local.extra),
        "comment": member.comment,
    }


def _describe_content(wheel: WheelUnderCheck, found: ZipMember, wanted: ZipMember) -> str:
    digest, wanted_digest = wheel.get_digest(found), hash_member(wanted)
    if isinstance(digest, ReadError) or isinstance(wanted_digest, ReadError):
        return "content"
    if digest.sha256 == wanted_digest.sha256:
        return "compressed bytes"
    content, wanted_content = read_small_member(found), read_small_member(wanted)
    if content is None or wanted_content is None or ".dist-info/" not in found.name:
        return "content"
    lines, wanted_lines = (c.splitlines(keepends=True) for c in (content, wanted_content))
    if sorted(lines) == sorted(wanted_lines):
        return "order of its lines"
    pairs = enumerate(zip_longest(lines, wanted_lines), 1)
    return f"content, from line {next(n for n, (one, other) in pairs if one != other)} on"
