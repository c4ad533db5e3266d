"""Parse zip archives, as far as wheels use the format.

`zipfile` cannot copy a member in its compressed form, and it tolerates what a checker must report
(trailing data, local headers that differ from the central directory). So this package has its own
reader, here, and its own writer, `builder.wheel.serialize`. Layout and field names: PKWARE APPNOTE
6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory) and 4.3.16 (end record). ZIP64,
split and multi-disk archives are refused: no wheel of this project needs them.
"""

from __future__ import annotations

import struct
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from builder.errors import WheelError
from builder.wheel.member import FLAG_UTF8, LocalHeader, ZipMember, make_wheel_error

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL_HEADER = struct.Struct("<4s5H3L2H")
CENTRAL_HEADER = struct.Struct("<4s4B4H3L5H2L")
END_RECORD = struct.Struct("<4s4H2LH")
LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_SIGNATURE = b"PK\x01\x02"
END_SIGNATURE = b"PK\x05\x06"


class Archive(msgspec.Struct, frozen=True, dict=True):  # dict: for cached_property
    """A parsed zip file: its members in central directory order, and what else it contains.

    Attributes:
        data: the whole file.
        leading: number of bytes before the first member.
        between: number of bytes between the central directory and the end record.
        trailing: number of bytes after the end record and its comment.
    """

    data: bytes
    members: tuple[ZipMember, ...]
    comment: bytes
    leading: int
    between: int
    trailing: int

    @cached_property
    def _by_name(self) -> dict[str, ZipMember]:
        return {m.name: m for m in self.members}

    def find_member(self, name: str) -> ZipMember | None:
        """Find a member by name, or None; the last one if the name occurs twice, as readers do."""
        return self._by_name.get(name)


def parse_archive(data: bytes, label: str) -> Archive:
    """Parse a zip file's structure without inflating any member.

    Args:
        data: the file's bytes.
        label: the file's name in error messages.

    Raises:
        WheelError: the central directory cannot be read, a member overlaps what follows it or ends
            outside the file, or it is a split or ZIP64 archive.
    """
    # At most 0xFFFF bytes of comment follow the end record: its length field has 16 bits.
    end = data.rfind(END_SIGNATURE, max(0, len(data) - END_RECORD.size - 0xFFFF))
    if end < 0 or end + END_RECORD.size > len(data):
        raise WheelError(
            f"{label} is no zip file, or was cut short: it has no end record",
            "fetch or build it again; a wheel is a zip file",
        )
    _, disk, first_disk, disk_entries, total, size, start, comment_length = END_RECORD.unpack_from(
        data, end
    )
    # A value of all ones means that the real one is in a ZIP64 record (APPNOTE 4.4.1.4).
    if (
        disk
        or first_disk
        or disk_entries != total
        or 0xFFFF in (disk_entries, total)
        or 0xFFFFFFFF in (size, start)
    ):
        raise WheelError(f"{label} is a split or ZIP64 archive", "wheels are plain zip files")
    if start + size > end:
        raise make_wheel_error(label, "its central directory lies outside the file")
    centrals = list(_read_central_entries(data, start, start + size, total, label))
    by_offset = sorted({entry.offset for entry in centrals})
    # Each local header is read once, however many entries point to it, so that a small file cannot
    # take much memory.
    local_entries = {
        offset: _read_local_entry(data, offset, following, label)
        for offset, following in zip(by_offset, [*by_offset, start][1:], strict=True)
    }
    view = memoryview(data)
    members = tuple(
        _make_member(view, entry, local_entries[entry.offset], label) for entry in centrals
    )
    stop = end + END_RECORD.size + comment_length
    if stop > len(data):
        raise make_wheel_error(label, "it was cut short: its comment ends outside the file")
    return Archive(
        data=data,
        members=members,
        comment=data[end + END_RECORD.size : stop],
        leading=by_offset[0] if by_offset else start,
        between=end - start - size,
        trailing=len(data) - stop,
    )


class _CentralEntry(NamedTuple):
    """One entry of the central directory; `fields` has its fixed fields after the signature."""

    raw: bytes
    fields: tuple[int, ...]
    name: bytes
    extra: bytes
    comment: bytes

    @property
    def offset(self) -> int:
        return self.fields[-1]


def _read_central_entries(
    data: bytes, start: int, stop: int, count: int, label: str
) -> Iterator[_CentralEntry]:
    position = start
    for _ in range(count):
        if position + CENTRAL_HEADER.size > stop:
            raise make_wheel_error(label, "its central directory is cut short")
        signature, *fields = CENTRAL_HEADER.unpack_from(data, position)
        if signature != CENTRAL_SIGNATURE:
            raise make_wheel_error(label, "its central directory has an entry without signature")
        name_at = position + CENTRAL_HEADER.size
        extra_at = name_at + fields[11]
        comment_at = extra_at + fields[12]
        position = comment_at + fields[13]
        yield _CentralEntry(
            data[name_at - CENTRAL_HEADER.size : position],
            tuple(fields),
            data[name_at:extra_at],
            data[extra_at:comment_at],
            data[comment_at:position],
        )
    if position != stop:
        raise make_wheel_error(label, "its central directory is longer than its entries")


class _LocalEntry(NamedTuple):
    """A local header, the offset of the member's data, and the offset of what follows it."""

    local: LocalHeader
    data_at: int
    stop: int


def _read_local_entry(data: bytes, offset: int, stop: int, label: str) -> _LocalEntry:
    if data[offset : offset + 4] != LOCAL_SIGNATURE:
        raise make_wheel_error(label, f"there is no local header at byte {offset}")
    if offset + LOCAL_HEADER.size > stop:
        raise make_wheel_error(label, f"the local header at byte {offset} overlaps what follows")
    fields = LOCAL_HEADER.unpack_from(data, offset)
    extra_at = offset + LOCAL_HEADER.size + fields[9]
    data_at = extra_at + fields[10]
    if data_at > stop:
        raise make_wheel_error(label, f"the local header at byte {offset} overlaps what follows")
    name = data[offset + LOCAL_HEADER.size : extra_at]
    return _LocalEntry(
        LocalHeader._make((*fields[1:9], name, data[extra_at:data_at])), data_at, stop
    )


def _make_member(
    view: memoryview, entry: _CentralEntry, local_entry: _LocalEntry, label: str
) -> ZipMember:
    (
        create_version,
        create_system,
        extract_version,
        reserved,
        flags,
        method,
        time,
        date,
        crc,
        compressed_size,
        size,
        _name_length,
        _extra_length,
        _comment_length,
        disk,
        internal_attr,
        external_attr,
        offset,
    ) = entry.fields
    name = _decode_name(entry.name, flags)
    data_end = local_entry.data_at + compressed_size
    if data_end > local_entry.stop:
        raise make_wheel_error(label, f"the data of {name} overlaps what follows")
    if disk:
        raise make_wheel_error(label, f"{name} lies on another disk of a split archive")
    return ZipMember(
        name=name,
        raw_name=entry.name,
        create_version=create_version,
        create_system=create_system,
        extract_version=extract_version,
        reserved=reserved,
        flags=flags,
        method=method,
        time=time,
        date=date,
        crc=crc,
        compressed_size=compressed_size,
        size=size,
        extra=entry.extra,
        comment=entry.comment,
        internal_attr=internal_attr,
        external_attr=external_attr,
        offset=offset,
        local=local_entry.local,
        entry=entry.raw,
        span=view[offset : local_entry.stop],
        data=view[local_entry.data_at : data_end],
        descriptor=view[data_end : local_entry.stop],
    )


def _decode_name(raw: bytes, flags: int) -> str:
    """Decode a member's name as UTF-8 if possible, else as its flag says.

    APPNOTE 4.4.4: flag bit 11 means UTF-8, without it the name is cp437; but writers often do not
    set the bit.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8" if flags & FLAG_UTF8 else "cp437", errors="replace")
