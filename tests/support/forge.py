"""A zip toolkit for making defects: any field of any header can say anything.

It shares no code with `builder`, so that what makes a defect is not what looks for it.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import struct
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")
FIRST_DATE = 0x21


class File(NamedTuple):
    """A wheel as it would lie on disk."""

    filename: str
    content: bytes

    @property
    def dist_info(self) -> str:
        """The dist-info directory that belongs to the file name, with its slash."""
        return "-".join(self.filename.split("-")[:2]) + ".dist-info/"


@dataclass(frozen=True, slots=True)
class Entry:
    """One member: what the central directory says, and the bytes as they lie there.

    Attributes:
        data: the bytes as they lie there, compressed or not.
        local: fields that the local header states differently.
        gap: bytes behind the data.
        at: the name of another entry whose place the directory gives for this one.
        shift: added to the place that the directory gives.
    """

    name: bytes
    data: bytes
    crc: int
    size: int
    method: int = zipfile.ZIP_STORED
    compressed_size: int = -1
    date: int = FIRST_DATE
    time: int = 0
    attr: int = 0o100644 << 16
    flags: int = 0
    system: int = 3
    version: int = 20
    extra: bytes = b""
    comment: bytes = b""
    local: Mapping[str, Any] = field(default_factory=dict)
    gap: bytes = b""
    at: bytes | None = None
    shift: int = 0


def stored(name: bytes, content: bytes, **fields: Any) -> Entry:
    """An uncompressed member."""
    return replace(Entry(name, content, zlib.crc32(content), len(content)), **fields)


def deflate(content: bytes, level: int = 9) -> bytes:
    """A raw deflate stream."""
    engine = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    return engine.compress(content) + engine.flush()


def inflate(entry: Entry) -> bytes:
    """A member's content."""
    return entry.data if entry.method == zipfile.ZIP_STORED else zlib.decompress(entry.data, -15)


def read(content: bytes) -> list[Entry]:
    """The members of a regular zip file, in the directory's order."""
    entries = []
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        for info in opened.infolist():
            start = info.header_offset + _LOCAL.size
            start += sum(struct.unpack_from("<2H", content, start - 4))
            year, month, day, hour, minute, second = info.date_time
            entry = Entry(
                info.orig_filename.encode(),
                content[start : start + info.compress_size],
                info.CRC,
                info.file_size,
                info.compress_type,
                date=(year - 1980) << 9 | month << 5 | day,
                time=hour << 11 | minute << 5 | second // 2,
                attr=info.external_attr,
                flags=info.flag_bits,
                system=info.create_system,
            )
            entries.append(entry)
    return entries


def write(
    entries: Sequence[Entry],
    *,
    before: bytes = b"",
    between: bytes = b"",
    comment: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """The zip file, with foreign bytes where they are asked for."""
    out = bytearray(before)
    places: dict[bytes, int] = {}
    directory = bytearray()
    for entry in entries:
        if entry.at is None:
            places[entry.name] = len(out)
            out += _local(replace(entry, **entry.local)) + entry.data + entry.gap
        directory += _central(entry, places[entry.at or entry.name] + entry.shift)
    start = len(out)
    count = len(entries)
    end = _END.pack(b"PK\5\6", 0, 0, count, count, len(directory), start, len(comment))
    return bytes(out + directory + between + end + comment + after)


def sealed(entries: Sequence[Entry], dist_info: str, changed: frozenset[bytes]) -> list[Entry]:
    """The entries with a RECORD that is right for them, as a careful forger leaves it."""
    path = f"{dist_info}RECORD".encode()
    own = next(e for e in entries if e.name == path)
    known = {row[0]: row for row in csv.reader(io.StringIO(inflate(own).decode(), newline=""))}
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    for name in dict.fromkeys(e.name for e in entries if e.name != path):
        text = name.decode(errors="replace")
        if name in changed or text not in known:
            entry = next(e for e in reversed(entries) if e.name == name)
            writer.writerow(record_line(text, inflate(entry)))
        else:
            writer.writerow(known[text])
    writer.writerow([path.decode(), "", ""])
    listing = stored(path, out.getvalue().encode(), attr=own.attr)
    return [listing if e.name == path else e for e in entries]


def record_line(path: str, content: bytes, algorithm: str = "sha256") -> tuple[str, str, str]:
    """Path, hash and size, as RECORD has them."""
    made = hashlib.new(algorithm, content, usedforsecurity=False)
    return path, hash_field(made), str(len(content))


def hash_field(made: hashlib._Hash) -> str:
    """Algorithm and digest, as RECORD has them."""
    return f"{made.name}=" + base64.urlsafe_b64encode(made.digest()).rstrip(b"=").decode()


def add(file: File, *new: Entry) -> File:
    """The wheel with more members, listed in RECORD."""
    entries = sealed([*read(file.content), *new], file.dist_info, frozenset())
    return file._replace(content=write(entries))


def drop(file: File, path: str) -> File:
    """The wheel without that member, and without its line in RECORD."""
    find(file, path)
    kept = [e for e in read(file.content) if e.name != path.encode()]
    return file._replace(content=write(sealed(kept, file.dist_info, frozenset())))


def edit(file: File, path: str, change: Callable[[bytes], bytes]) -> File:
    """The wheel with other content in that member, and a RECORD that says so."""
    name = path.encode()
    entries = [
        stored(name, change(inflate(e)), attr=e.attr) if e.name == name else e
        for e in read(file.content)
    ]
    return file._replace(content=write(sealed(entries, file.dist_info, frozenset({name}))))


def edit_unsealed(file: File, path: str, change: Callable[[bytes], bytes]) -> File:
    """The wheel with other content in that member, and RECORD as it was."""
    name = path.encode()
    entries = [
        stored(name, change(inflate(e)), attr=e.attr) if e.name == name else e
        for e in read(file.content)
    ]
    return file._replace(content=write(entries))


def substitute(file: File, filename: str, old: bytes, new: bytes) -> File:
    """The wheel with something else in a file of its dist-info directory, which must be there."""
    assert old in inflate(find(file, f"{file.dist_info}{filename}")), old
    return edit(file, f"{file.dist_info}{filename}", lambda text: text.replace(old, new, 1))


def alter(file: File, path: str, **fields: Any) -> File:
    """The wheel with other fields in that member's headers."""
    name = path.encode()
    entries = [replace(e, **fields) if e.name == name else e for e in read(file.content)]
    return file._replace(content=write(entries))


def find(file: File, path: str) -> Entry:
    """That member."""
    return next(e for e in read(file.content) if e.name == path.encode())


def _local(entry: Entry) -> bytes:
    fields = _LOCAL.pack(b"PK\3\4", entry.version, *_shared_fields(entry))
    return fields + entry.name + entry.extra


def _central(entry: Entry, place: int) -> bytes:
    fields = _CENTRAL.pack(
        b"PK\1\2",
        20,
        entry.system,
        entry.version,
        0,
        *_shared_fields(entry),
        len(entry.comment),
        0,
        0,
        entry.attr,
        place,
    )
    return fields + entry.name + entry.extra + entry.comment


def _shared_fields(entry: Entry) -> tuple[int, ...]:
    """What both headers say, in this order (APPNOTE 4.3.7, 4.3.12)."""
    return (
        entry.flags,
        entry.method,
        entry.time,
        entry.date,
        entry.crc,
        _declared(entry),
        entry.size,
        len(entry.name),
        len(entry.extra),
    )


def _declared(entry: Entry) -> int:
    return len(entry.data) if entry.compressed_size < 0 else entry.compressed_size
