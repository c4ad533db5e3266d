"""The zip container, as far as wheels use it.

`zipfile` cannot copy a member as the compressed bytes it is and forgives what a checker must see
(trailing data, local headers that disagree), so the container is read and written here. Layout and
field names: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory) and
4.3.16 (end record). ZIP64, split and multi-disk archives are refused: no wheel of ours needs them.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import WheelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STORED = 0
DEFLATED = 8
FLAG_ENCRYPTED = 0x1
FLAG_DESCRIPTOR = 0x8
FLAG_UTF8 = 0x800
# The first moment that a zip can name. Changed members carry it, whatever the clock says.
FIXED_DATE = 0x21
FIXED_TIME = 0
REGULAR_FILE = 0o100644 << 16

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_CENTRAL_SIGNATURE = b"PK\x01\x02"
_END_SIGNATURE = b"PK\x05\x06"
_VERSION = 20
_UNIX = 3
_CHUNK = 1 << 18


class LocalHeader(NamedTuple):
    """What a member says of itself in front of its data."""

    extract_version: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    compressed_size: int
    size: int
    name: bytes
    extra: bytes


@dataclass(frozen=True, slots=True)
class Member:
    """One entry: the central directory's fields, the local header and the bytes as they lie there.

    Attributes:
        name: decoded (UTF-8 where flagged or possible, else cp437 as the specification says).
        data: the compressed bytes.
        descriptor: bytes between the data and the next member (empty in a regular archive).
    """

    name: str
    raw_name: bytes
    create_version: int
    create_system: int
    extract_version: int
    reserved: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    compressed_size: int
    size: int
    extra: bytes
    comment: bytes
    internal_attr: int
    external_attr: int
    offset: int
    local: LocalHeader
    data: memoryview
    descriptor: memoryview

    def chunks(self) -> Iterator[bytes]:
        """The content, inflated piece by piece, at most one byte more than `size` says.

        Memory stays bounded whatever the member claims (zip bombs).

        Raises:
            WheelError: unknown method, broken deflate stream, or other length than declared.
        """
        if self.method == STORED:
            pieces: Iterator[bytes] = (
                bytes(self.data[i : i + _CHUNK]) for i in range(0, len(self.data), _CHUNK)
            )
        elif self.method == DEFLATED:
            pieces = _inflate(self)
        else:
            raise _broken(self.name, f"compression method {self.method} is not used in wheels")
        seen = 0
        for piece in pieces:
            seen += len(piece)
            if seen > self.size:
                raise _broken(self.name, f"inflates to more than the {self.size} bytes it declares")
            yield piece
        if seen != self.size:
            raise _broken(self.name, f"inflates to {seen} bytes and declares {self.size}")

    def read(self) -> bytes:
        """The whole content.

        Raises:
            WheelError: as `chunks`, and when the CRC-32 differs.
        """
        content = b"".join(self.chunks())
        if zlib.crc32(content) != self.crc:
            raise _broken(self.name, "its CRC-32 does not match its content")
        return content


@dataclass(frozen=True)
class Archive:
    """A zip file's members in central directory order, and what else lies in the file.

    Attributes:
        data: the whole file.
        leading: bytes before the first member.
        between: bytes between the last member and the central directory.
        trailing: bytes after the end record and its comment.
    """

    data: bytes
    members: tuple[Member, ...]
    comment: bytes
    leading: int
    between: int
    trailing: int

    @cached_property
    def _by_name(self) -> dict[str, Member]:
        return {m.name: m for m in self.members}

    def find(self, name: str) -> Member | None:
        """The member of that name (the last one, as readers do, where a name stands twice)."""
        return self._by_name.get(name)


def parse(data: bytes, label: str) -> Archive:
    """Read a zip file's structure, without inflating anything.

    Args:
        data: the file's bytes.
        label: what to call it in errors.

    Raises:
        WheelError: it has no readable central directory, or a member lies outside the file.
    """
    end = data.rfind(_END_SIGNATURE, max(0, len(data) - _END.size - 0xFFFF))
    if end < 0 or end + _END.size > len(data):
        raise WheelError(
            f"{label} is no zip file, or was cut short: it has no end record",
            "fetch or build it again; a wheel is a zip file",
        )
    _, disk, first_disk, here, total, size, start, comment_length = _END.unpack_from(data, end)
    if (
        disk
        or first_disk
        or here != total
        or 0xFFFF in (here, total)
        or 0xFFFFFFFF in (size, start)
    ):
        raise WheelError(f"{label} is a split or ZIP64 archive", "wheels are plain zip files")
    if start + size > end:
        raise _broken(label, "its central directory lies outside the file")
    centrals = list(_central_entries(data, start, start + size, total, label))
    by_offset = sorted({entry.offset for entry in centrals})
    ends = dict(zip(by_offset, [*by_offset, start][1:], strict=True))
    view = memoryview(data)
    members = tuple(_member(data, view, entry, ends[entry.offset], label) for entry in centrals)
    stop = end + _END.size + comment_length
    return Archive(
        data=data,
        members=members,
        comment=data[end + _END.size : stop],
        leading=by_offset[0] if by_offset else start,
        between=end - start - size,
        trailing=len(data) - stop,
    )


class Copied(NamedTuple):
    """A member that goes over as the compressed bytes it is, perhaps under another name."""

    member: Member
    name: str


class Stored(NamedTuple):
    """A member with new content, stored uncompressed: zlib builds differ, copies do not."""

    name: str
    content: bytes
    external_attr: int = REGULAR_FILE


def serialize(entries: Iterable[Copied | Stored]) -> list[bytes | memoryview]:
    """The pieces of a zip file with these members in this order.

    The outcome depends on nothing but the arguments. A member copied under its own name keeps
    every byte, so that an archive of copies is the archive it came from.
    """
    pieces: list[bytes | memoryview] = []
    central: list[bytes] = []
    offset = 0
    for entry in entries:
        written = _copy(*entry) if isinstance(entry, Copied) else _store(entry)
        central.append(_CENTRAL.pack(_CENTRAL_SIGNATURE, *written.directory, offset) + written.tail)
        pieces += written.pieces
        offset += sum(map(len, written.pieces))
    listing = b"".join(central)
    count = len(central)
    end = _END.pack(_END_SIGNATURE, 0, 0, count, count, len(listing), offset, 0)
    return [*pieces, listing, end]


def _inflate(member: Member) -> Iterator[bytes]:
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    pending: bytes | memoryview = member.data
    try:
        while pending and not engine.eof:
            yield engine.decompress(pending, _CHUNK)
            pending = engine.unconsumed_tail
        yield engine.flush()
    except zlib.error as error:
        raise _broken(member.name, f"its deflate stream is broken ({error})") from error
    if not engine.eof or engine.unused_data:
        raise _broken(member.name, "its deflate stream ends elsewhere than its data")


class _Entry(NamedTuple):
    """One entry of the central directory, its fixed fields still together."""

    fields: tuple[int, ...]
    name: bytes
    extra: bytes
    comment: bytes

    @property
    def offset(self) -> int:
        return self.fields[-1]


def _central_entries(
    data: bytes, start: int, stop: int, count: int, label: str
) -> Iterator[_Entry]:
    position = start
    for _ in range(count):
        if position + _CENTRAL.size > stop:
            raise _broken(label, "its central directory is cut short")
        signature, *fields = _CENTRAL.unpack_from(data, position)
        if signature != _CENTRAL_SIGNATURE:
            raise _broken(label, "its central directory has an entry without signature")
        name_at = position + _CENTRAL.size
        extra_at = name_at + fields[11]
        comment_at = extra_at + fields[12]
        position = comment_at + fields[13]
        yield _Entry(
            tuple(fields),
            data[name_at:extra_at],
            data[extra_at:comment_at],
            data[comment_at:position],
        )
    if position != stop:
        raise _broken(label, "its central directory is longer than its entries")


def _member(data: bytes, view: memoryview, entry: _Entry, stop: int, label: str) -> Member:
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
        _disk,
        internal_attr,
        external_attr,
        offset,
    ) = entry.fields
    name = _decode(entry.name, flags)
    if offset + _LOCAL.size > stop or data[offset : offset + 4] != _LOCAL_SIGNATURE:
        raise _broken(label, f"{name} has no local header")
    local = _LOCAL.unpack_from(data, offset)
    name_length, extra_length = local[9:]
    name_at = offset + _LOCAL.size
    extra_at = name_at + name_length
    data_at = extra_at + extra_length
    data_end = data_at + compressed_size
    if data_end > stop:
        raise _broken(label, f"the data of {name} overlaps what follows")
    return Member(
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
        local=LocalHeader._make((*local[1:9], data[name_at:extra_at], data[extra_at:data_at])),
        data=view[data_at:data_end],
        descriptor=view[data_end:stop],
    )


class _Written(NamedTuple):
    """A member ready to be laid down: what lies in place, and its entry but the offset."""

    pieces: tuple[bytes | memoryview, ...]
    directory: tuple[int, ...]
    tail: bytes


def _copy(member: Member, name: str) -> _Written:
    raw, flags = (member.raw_name, 0) if name == member.name else _encode(name)
    local = member.local
    # A regular archive has one name in both places; if not, a copy keeps what the local one says.
    local_raw = local.name if name == member.name else raw
    header = _LOCAL.pack(
        _LOCAL_SIGNATURE,
        local.extract_version,
        local.flags | flags,
        *local[2:8],
        len(local_raw),
        len(local.extra),
    )
    return _Written(
        (header, local_raw, local.extra, member.data, member.descriptor),
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


def _store(entry: Stored) -> _Written:
    raw, flags = _encode(entry.name)
    size = len(entry.content)
    common = (flags, STORED, FIXED_TIME, FIXED_DATE, zlib.crc32(entry.content), size, size)
    header = _LOCAL.pack(_LOCAL_SIGNATURE, _VERSION, *common, len(raw), 0)
    directory = (_VERSION, _UNIX, _VERSION, 0, *common, len(raw), 0, 0, 0, 0, entry.external_attr)
    return _Written((header, raw, entry.content), directory, raw)


def _encode(name: str) -> tuple[bytes, int]:
    return name.encode(), 0 if name.isascii() else FLAG_UTF8


def _decode(raw: bytes, flags: int) -> str:
    """APPNOTE 4.4.4: bit 11 means UTF-8, otherwise cp437; writers often forget the bit."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8" if flags & FLAG_UTF8 else "cp437", errors="replace")


def _broken(label: str, why: str) -> WheelError:
    return WheelError(f"{label}: {why}", "fetch or build the wheel again")
