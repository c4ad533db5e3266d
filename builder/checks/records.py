"""R: RECORD against the members."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from builder.checks.subject import Digest, Subject, unchecked
from builder.model import Finding
from builder.wheel import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.wheel.member import Member

_DEPENDENT = ("R302", "R303", "R304", "R305", "R306")
_STRONG = ("sha256", "sha384", "sha512")
# Signatures cannot be listed: they are made over RECORD (PEP 427).
_UNLISTED = ("RECORD.jws", "RECORD.p7s")


def check_record(subject: Subject) -> Iterator[Finding]:
    """All R codes for the wheel."""
    content = subject.metadata_file("RECORD")
    if content is None:
        yield Finding("R301", "", "RECORD is missing or cannot be read")
        yield from unchecked("RECORD cannot be read", *_DEPENDENT)
        return
    try:
        entries = record.parse(content)
    except ValueError as error:
        yield Finding("R301", "", str(error))
        yield from unchecked("RECORD cannot be read", *_DEPENDENT)
        return
    if subject.oversized:
        yield from unchecked("the members were not inflated", "R304")
    yield from _lines(subject, entries)


def _lines(subject: Subject, entries: list[record.Entry]) -> Iterator[Finding]:
    own = f"{subject.dist_info}/RECORD"
    present = {m.name for m in subject.archive.members}
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
            yield from _entry(subject, entry)
    unlisted = {f"{subject.dist_info}/{name}" for name in _UNLISTED}
    for name in sorted(present - listed - unlisted):
        yield Finding("R302", name, "it is there and not listed")


def _entry(subject: Subject, entry: record.Entry) -> Iterator[Finding]:
    algorithm, _, _ = entry.hash.partition("=")
    if algorithm not in _STRONG:
        yield Finding("R305", entry.path, f"its hash is {algorithm or 'missing'}")
        return
    if subject.oversized:
        return
    member = subject.archive.find(entry.path)
    actual = None if member is None else _hash(subject, member, algorithm)
    if member is None or actual is None:
        yield Finding("R304", entry.path, "its content cannot be had")
    elif entry.hash != actual:
        yield Finding("R304", entry.path, "the hash is another content's")
    elif entry.size != str(member.size):
        yield Finding(
            "R304", entry.path, f"the size is {entry.size or 'missing'}, not {member.size}"
        )


def _hash(subject: Subject, member: Member, algorithm: str) -> str | None:
    digest = subject.digest(member)
    if not isinstance(digest, Digest):
        return None
    if algorithm == "sha256":
        return record.encode_digest(digest.sha256)
    other = hashlib.new(algorithm)
    for piece in member.chunks():
        other.update(piece)
    return record.encode_digest(other.digest(), algorithm)
