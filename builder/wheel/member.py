"""One member of a zip file: its header fields, and its content, inflated in bounded memory.

Field names: PKWARE APPNOTE, as in `builder.wheel.archive`.
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
_CHUNK = 1 << 18  # bytes


class LocalHeader(NamedTuple):
    """The fields of a member's local header, which precedes its data."""

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
    """One member: its central directory fields, its local header, and its bytes in the file.

    Attributes:
        name: decoded (UTF-8 if flagged or possible, else cp437 as in APPNOTE 4.4.4).
        entry: the bytes of its central directory entry.
        span: all bytes of the file from its local header to the next member.
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
        """Inflate the content piece by piece; never more than `size` bytes in all.

        Memory use stays bounded whatever size the member declares (zip bombs).

        Raises:
            WheelError: unknown compression method, broken deflate stream, or another length than
                declared.
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
        """Read the whole content.

        Raises:
            WheelError: as `read_chunks`, and if the CRC-32 differs.
        """
        content = b"".join(self.read_chunks())
        if zlib.crc32(content) != self.crc:
            raise make_wheel_error(self.name, "its CRC-32 does not match its content")
        return content


def _inflate_member(member: ZipMember) -> Iterator[bytes]:
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    taken = 0
    # One byte more than declared shows a lie: what inflates to nothing as it declares costs
    # nothing, however many entries point to the same data.
    left = member.size + 1
    try:
        # Input is passed in slices: each time, zlib copies the input that it has not consumed.
        while taken < len(member.data) and not engine.eof:
            pending: bytes | memoryview = member.data[taken : taken + _CHUNK]
            taken += len(pending)
            while pending and not engine.eof:
                piece = engine.decompress(pending, min(_CHUNK, max(left, 1)))
                left -= len(piece)
                yield piece
                pending = engine.unconsumed_tail
        yield engine.flush()
    except zlib.error as error:
        raise make_wheel_error(member.name, f"its deflate stream is broken ({error})") from error
    if not engine.eof or engine.unused_data or taken < len(member.data):
        raise make_wheel_error(member.name, "its deflate stream ends elsewhere than its data")


def make_wheel_error(label: str, why: str) -> WheelError:
    """Make the error for a malformed file or member."""
    return WheelError(f"{label}: {why}", "fetch or build the wheel again")
