"""R checks: RECORD against the members."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from builder.checks.wheel_under_check import MemberDigest, WheelUnderCheck, make_unchecked_findings
from builder.model import Finding
from builder.wheel import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.wheel.member import ZipMember

_DEPENDENT_CODES = ("R302", "R303", "R304", "R305", "R306")
_STRONG_HASHES = ("sha256", "sha384", "sha512")
# Signatures cannot be listed: they are made over RECORD (PEP 427).
_UNLISTED_FILES = ("RECORD.jws", "RECORD.p7s")


def check_record(wheel: WheelUnderCheck) -> Iterator[Finding]:
    """Run all R checks on the wheel."""
    content = wheel.read_metadata_file("RECORD")
    if content is None:
        why = wheel.explain_unread_file("RECORD")
        yield Finding("R301", "", why)
        yield from make_unchecked_findings(why, *_DEPENDENT_CODES)
        return
    try:
        entries = record.parse_record(content)
    except ValueError as error:
        yield Finding("R301", "", str(error))
        yield from make_unchecked_findings("RECORD cannot be read", *_DEPENDENT_CODES)
        return
    if wheel.is_oversized:
        yield from make_unchecked_findings("the members were not inflated", "R304")
    yield from _check_entries(wheel, entries)


def _check_entries(wheel: WheelUnderCheck, entries: list[record.RecordEntry]) -> Iterator[Finding]:
    own = f"{wheel.dist_info}/RECORD"
    present = {m.name for m in wheel.archive.members}
    listed: set[str] = set()
    for entry in entries:
        if entry.path in listed:
            yield Finding("R306", entry.path, "it is listed more than once")
            continue
        listed.add(entry.path)
        if entry.path not in present:
            yield Finding("R303", entry.path, "it is listed and not there")
        elif entry.path == own:
            if entry.hash or entry.size:
                yield Finding("R306", entry.path, "RECORD cannot hold its own hash")
        else:
            yield from _check_entry(wheel, entry)
    unlisted = {f"{wheel.dist_info}/{name}" for name in _UNLISTED_FILES}
    for name in sorted(present - listed - unlisted):
        yield Finding("R302", name, "it is there and not listed")


def _check_entry(wheel: WheelUnderCheck, entry: record.RecordEntry) -> Iterator[Finding]:
    algorithm, _, _ = entry.hash.partition("=")
    if algorithm not in _STRONG_HASHES:
        yield Finding("R305", entry.path, f"its hash is {algorithm or 'missing'}")
        return
    if wheel.is_oversized:
        return
    member = wheel.archive.find_member(entry.path)
    actual = None if member is None else _hash_record_member(wheel, member, algorithm)
    if member is None or actual is None:
        yield Finding("R304", entry.path, "its content cannot be had")
    elif entry.hash != actual:
        yield Finding("R304", entry.path, "the hash is another content's")
    elif entry.size != str(member.size):
        yield Finding(
            "R304", entry.path, f"the size is {entry.size or 'missing'}, not {member.size}"
        )


def _hash_record_member(wheel: WheelUnderCheck, member: ZipMember, algorithm: str) -> str | None:
    digest = wheel.get_digest(member)
    if not isinstance(digest, MemberDigest):
        return None
    if algorithm == "sha256":
        return record.encode_record_hash(digest.sha256)
    other = hashlib.new(algorithm)
    for piece in member.read_chunks():
        other.update(piece)
    return record.encode_record_hash(other.digest(), algorithm)
