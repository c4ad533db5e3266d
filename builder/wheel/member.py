"""One member of a zip file: what is said of it, and its content, inflated in bounded memory.

Field names as in `builder.wheel.archive`.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import WheelError

if TYPE_CHECKING:
    from collections.abc import Iterator

STORED = 0
DEFLATED = 8
FLAG_ENCRYPTED = 0x1
FLAG_UTF8 = 0x800
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


class ZipMember(NamedTuple):
    """One entry: the central directory's fields, the local header and the bytes as they lie there.

    Attributes:
        name: decoded (UTF-8 where flagged or possible, else cp437 as the specification says).
        entry: the central directory's entry, as it lies there.
        span: all that lies in the file from its local header to the next member.
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
    entry: bytes
    span: memoryview
    data: memoryview
    descriptor: memoryview

    def read_chunks(self) -> Iterator[bytes]:
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
            pieces = _inflate_member(self)
        else:
            raise make_wheel_error(
                self.name, f"compression method {self.method} is not used in wheels"
            )
        seen = 0
        for piece in pieces:
            seen += len(piece)
            if seen > self.size:
                raise make_wheel_error(
                    self.name, f"inflates to more than the {self.size} bytes it declares"
                )
            yield piece
        if seen != self.size:
            raise make_wheel_error(self.name, f"inflates to {seen} bytes and declares {self.size}")

    def read(self) -> bytes:
        """The whole content.

        Raises:
            WheelError: as `chunks`, and when the CRC-32 differs.
        """
        content = b"".join(self.read_chunks())
        if zlib.crc32(content) != self.crc:
            raise make_wheel_error(self.name, "its CRC-32 does not match its content")
        return content


def _inflate_member(member: ZipMember) -> Iterator[bytes]:
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    taken = 0
    try:
        # Fed in slices: zlib hands back a copy of what it has not consumed, each time.
        while taken < len(member.data) and not engine.eof:
            pending: bytes | memoryview = member.data[taken : taken + _CHUNK]
            taken += len(pending)
            while pending and not engine.eof:
                yield engine.decompress(pending, _CHUNK)
                pending = engine.unconsumed_tail
        yield engine.flush()
    except zlib.error as error:
        raise make_wheel_error(member.name, f"its deflate stream is broken ({error})") from error
    if not engine.eof or engine.unused_data or taken < len(member.data):
        raise make_wheel_error(member.name, "its deflate stream ends elsewhere than its data")


def make_wheel_error(label: str, why: str) -> WheelError:
    """The error for a file or member that is not what it should be."""
    return WheelError(f"{label}: {why}", "fetch or build the wheel again")
