"""Z checks: the structure of the zip file, including defects that zip readers tolerate."""

from __future__ import annotations

import re
import stat
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from builder.checks.wheel_under_check import (
    MAX_INFLATED,
    ReadError,
    WheelUnderCheck,
    make_unchecked_findings,
)
from builder.model import Finding
from builder.wheel.member import DEFLATED, FLAG_UTF8, STORED, ZipMember

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.wheel.archive import Archive

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# APPNOTE 4.4.4: bit 0 (encrypted), bit 6 (strong encryption), bit 13 (masked local headers).
_ENCRYPTED = 0x1 | 0x40 | 0x2000
# APPNOTE 4.4.4: bit 5.
_PATCHED_DATA = 0x20
# APPNOTE 4.4.3.2: version 2.0 has directories and deflate; wheels need nothing later.
_EXTRACT_VERSION = 20
_DOS_DIRECTORY = 0x10
# Characters. The longest path in upstream's wheels has 98, and Windows takes 260.
_MAX_NAME = 260


def check_zip_structure(wheel: WheelUnderCheck) -> Iterator[Finding]:
    """Run all Z checks on the wheel."""
    archive = wheel.archive
    yield from _check_layout(archive)
    yield from _check_duplicates(archive)
    for member in archive.members:
        yield from _check_local_header(member)
        yield from _check_member_name(member)
        yield from _check_member_kind(member)
    if wheel.is_oversized:
        total = sum(m.size for m in archive.members)
        yield Finding("Z109", "", f"declares {total} bytes inflated; {MAX_INFLATED} is the limit")
        yield from make_unchecked_findings("the members were not inflated", "Z110")
        return
    for member in archive.members:
        digest = wheel.get_digest(member)
        if isinstance(digest, ReadError):
            yield Finding("Z109", member.name, digest.reason)
        elif not digest.crc_ok:
            yield Finding("Z110", member.name, f"declares CRC-32 {member.crc:08x}")


def _check_layout(archive: Archive) -> Iterator[Finding]:
    places = (
        (archive.leading, "in front of the first member"),
        (archive.between, "between the directory and the end record"),
        (archive.trailing, "behind the end of the archive"),
        (len(archive.comment), "in the archive's comment"),
    )
    for size, place in places:
        if size:
            yield Finding("Z101", "", f"{size} bytes lie {place}")
    for member in archive.members:
        if member.descriptor:
            yield Finding("Z101", member.name, f"{len(member.descriptor)} bytes lie behind it")
        if member.extra or member.local.extra or member.comment:
            yield Finding("Z101", member.name, "it has an extra field or a comment")


def _check_local_header(member: ZipMember) -> Iterator[Finding]:
    local = member.local
    pairs = {
        "version": (local.extract_version, member.extract_version),
        "name": (local.name, member.raw_name),
        "flags": (local.flags, member.flags),
        "method": (local.method, member.method),
        "time": ((local.date, local.time), (member.date, member.time)),
        "CRC-32": (local.crc, member.crc),
        "compressed size": (local.compressed_size, member.compressed_size),
        "size": (local.size, member.size),
    }
    differing = [field for field, (found, expected) in pairs.items() if found != expected]
    if differing:
        yield Finding("Z102", member.name, f"they differ in {', '.join(differing)}")


def _check_duplicates(archive: Archive) -> Iterator[Finding]:
    by_normalized: dict[str, str] = {}
    names = Counter(m.name for m in archive.members)
    offsets = Counter(m.offset for m in archive.members)
    for name, count in names.items():
        if count > 1:
            yield Finding("Z103", name, f"it stands {count} times")
        other = by_normalized.setdefault(_normalize_member_name(name), name)
        if other != name:
            yield Finding("Z106", name, f"{other} is there too")
    for member in archive.members:
        if offsets[member.offset] > 1:
            yield Finding("Z102", member.name, "it shares its data with another member")


def _normalize_member_name(name: str) -> str:
    """Spell a name as file systems may that ignore case or Unicode forms."""
    # Marks that combine are put in order, which takes time by the square of their number.
    whole = name.isascii() or len(name) > _MAX_NAME
    return (name if whole else unicodedata.normalize("NFKC", name)).casefold()


def _check_member_name(member: ZipMember) -> Iterator[Finding]:
    name = member.name
    parts = name.split("/")
    reasons = {
        "it is absolute": name.startswith("/") or re.match(r"[A-Za-z]:", name) is not None,
        "it leads upwards": ".." in parts,
        "it has a backslash": "\\" in name,
        "it has control characters": _CONTROL.search(name) is not None,
        "it has an empty or . part": any(p in ("", ".") for p in parts[:-1]) or not name,
        f"it has more than {_MAX_NAME} characters": len(name) > _MAX_NAME,
        "it is not UTF-8": "\ufffd" in name,
        "not every reader takes it for UTF-8": not name.isascii() and not member.flags & FLAG_UTF8,
    }
    for reason, applies in reasons.items():
        if applies:
            yield Finding("Z104", name, reason)


def _check_member_kind(member: ZipMember) -> Iterator[Finding]:
    # Extractors apply the mode whatever system the entry claims to come from.
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        yield Finding("Z105", member.name, f"its mode is {stat.filemode(mode)}")
    elif member.name.endswith("/") or member.external_attr & _DOS_DIRECTORY:
        yield Finding("Z105", member.name, "it is a directory entry")
    flags = member.flags | member.local.flags
    if flags & _ENCRYPTED:
        yield Finding("Z107", member.name, "it is encrypted")
    if member.method not in (STORED, DEFLATED):
        yield Finding("Z108", member.name, f"its compression method is {member.method}")
    if flags & _PATCHED_DATA:
        yield Finding("Z108", member.name, "it is flagged as compressed patched data")
    version = max(member.extract_version, member.local.extract_version)
    if version > _EXTRACT_VERSION:
        yield Finding("Z108", member.name, f"it wants version {version / 10} of zip")
