"""Write zip files from copied members and new members.

The result depends only on the arguments, not on clock, umask, platform or zlib. Layout as in
`builder.wheel.archive`.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from builder.wheel.archive import (
    CENTRAL_HEADER,
    CENTRAL_SIGNATURE,
    END_RECORD,
    END_SIGNATURE,
    LOCAL_HEADER,
    LOCAL_SIGNATURE,
)
from builder.wheel.member import FLAG_UTF8, STORED, ZipMember

if TYPE_CHECKING:
    from collections.abc import Iterable

# 1980-01-01 00:00, the earliest time that a zip can store. All new members have it.
FIXED_DATE = 0x21
FIXED_TIME = 0
# The upper 16 bits of the external attributes are the Unix mode.
REGULAR_FILE = 0o100644 << 16
_VERSION = 20  # 2.0: APPNOTE 4.4.3.2
# APPNOTE 4.3.12: the last fixed field of a directory entry is the offset of the local header.
_OFFSET = struct.Struct("<L")
_OFFSET_AT = CENTRAL_HEADER.size - _OFFSET.size
_UNIX = 3  # APPNOTE 4.4.2.2


class CopiedMember(NamedTuple):
    """A member that is copied in its compressed form, possibly under another name."""

    member: ZipMember
    name: str


class StoredMember(NamedTuple):
    """A member with new content, stored uncompressed: zlib's output differs between its builds."""

    name: str
    content: bytes
    external_attr: int = REGULAR_FILE


def serialize_archive(entries: Iterable[CopiedMember | StoredMember]) -> list[bytes | memoryview]:
    """Make a zip file with these members in this order, in pieces.

    The result depends only on the arguments. A member copied under its own name keeps every byte,
    so an archive of such copies equals the archive that they come from.
    """
    pieces: list[bytes | memoryview] = []
    central: list[bytes] = []
    offset = 0
    before: ZipMember | None = None
    for entry in entries:
        if isinstance(entry, CopiedMember) and entry.name == entry.member.name:
            member = entry.member
            if before is not None and _is_adjacent(before, member):
                start = len(pieces[-1])
                pieces[-1] = _get_archive_bytes(member)[
                    member.offset - start : _get_member_end(member)
                ]
            else:
                pieces.append(member.span)
            before = member
            central.append(_set_entry_offset(member.entry, offset))
            offset += len(member.span)
        else:
            before = None
            written = (
                _rename_member(*entry) if isinstance(entry, CopiedMember) else _store_member(entry)
            )
            central.append(
                CENTRAL_HEADER.pack(CENTRAL_SIGNATURE, *written.directory, offset) + written.tail
            )
            pieces += written.pieces
            offset += sum(map(len, written.pieces))
    listing = b"".join(central)
    count = len(central)
    end = END_RECORD.pack(END_SIGNATURE, 0, 0, count, count, len(listing), offset, 0)
    return [*pieces, listing, end]


def _is_adjacent(before: ZipMember, member: ZipMember) -> bool:
    """Whether two members are adjacent in the same file, and so can be copied in one piece."""
    return before.span.obj is member.span.obj and _get_member_end(before) == member.offset


def _get_member_end(member: ZipMember) -> int:
    return member.offset + len(member.span)


def _get_archive_bytes(member: ZipMember) -> memoryview:
    return memoryview(member.span.obj)


def _set_entry_offset(entry: bytes, offset: int) -> bytes:
    """Replace only the offset in a central directory entry."""
    return entry[:_OFFSET_AT] + _OFFSET.pack(offset) + entry[_OFFSET_AT + _OFFSET.size :]


class _SerializedMember(NamedTuple):
    """A member ready to be written: its bytes, and its directory entry without the offset."""

    pieces: tuple[bytes | memoryview, ...]
    directory: tuple[int, ...]
    tail: bytes


def _rename_member(member: ZipMember, name: str) -> _SerializedMember:
    raw, flags = _encode_name(name)
    local = member.local
    header = LOCAL_HEADER.pack(
        LOCAL_SIGNATURE,
        local.extract_version,
        local.flags | flags,
        *local[2:8],
        len(raw),
        len(local.extra),
    )
    return _SerializedMember(
        (header, raw, local.extra, member.data, member.descriptor),
        (
            member.create_version,
            member.create_system,
            member.extract_version,
            member.reserved,
            member.flags | flags,
            member.method,
            member.time,
            member.date,
            member.crc,
            member.compressed_size,
            member.size,
            len(raw),
            len(member.extra),
            len(member.comment),
            0,
            member.internal_attr,
            member.external_attr,
        ),
        raw + member.extra + member.comment,
    )


def _store_member(entry: StoredMember) -> _SerializedMember:
    raw, flags = _encode_name(entry.name)
    size = len(entry.content)
    common = (flags, STORED, FIXED_TIME, FIXED_DATE, zlib.crc32(entry.content), size, size)
    header = LOCAL_HEADER.pack(LOCAL_SIGNATURE, _VERSION, *common, len(raw), 0)
    directory = (_VERSION, _UNIX, _VERSION, 0, *common, len(raw), 0, 0, 0, 0, entry.external_attr)
    return _SerializedMember((header, raw, entry.content), directory, raw)


def _encode_name(name: str) -> tuple[bytes, int]:
    return name.encode(), 0 if name.isascii() else FLAG_UTF8
