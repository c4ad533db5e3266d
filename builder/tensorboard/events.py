"""Write TensorBoard's event files by hand: protobuf's wire format and TFRecord framing.

The logdir must not depend on any TensorBoard, least of all on the one under test. So it is
written with the field numbers of the published `.proto` files (event, summary, tensor, graph,
config and the plugins' own), which never change within a proto2/3 message. The same input gives
the same bytes everywhere. Sources: protobuf.dev/programming-guides/encoding,
tensorflow/core/lib/io/record_writer.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_CASTAGNOLI = 0x82F63B78  # the reflected polynomial of CRC-32C
_MASK_DELTA = 0xA282EAD8  # TFRecord masks its checksums: crc32c.h

DT_FLOAT, DT_DOUBLE, DT_INT32, DT_UINT8, DT_STRING = 1, 2, 3, 4, 7


def encode_varint(number: int, value: int) -> bytes:
    """Encode a field of wire type 0: an integer, a boolean or an enumeration.

    Negative numbers take ten bytes.
    """
    return _encode_raw_varint(number << 3) + _encode_raw_varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def encode_double(number: int, value: float) -> bytes:
    """Encode a field of wire type 1, a 64-bit float."""
    return _encode_raw_varint(number << 3 | 1) + struct.pack("<d", value)


def encode_float(number: int, value: float) -> bytes:
    """Encode a field of wire type 5, a 32-bit float."""
    return _encode_raw_varint(number << 3 | 5) + struct.pack("<f", value)


def encode_bytes(number: int, value: str | bytes) -> bytes:
    """Encode a field of wire type 2: a string, bytes, or an encoded message."""
    data = value.encode() if isinstance(value, str) else value
    return _encode_raw_varint(number << 3 | 2) + _encode_raw_varint(len(data)) + data


def encode_packed_doubles(number: int, values: Sequence[float]) -> bytes:
    """Encode a packed repeated field of 64-bit floats."""
    return encode_bytes(number, struct.pack(f"<{len(values)}d", *values))


def encode_map_entry(number: int, key: str, value: bytes) -> bytes:
    """Encode one entry of a `map<string, message>`."""
    return encode_bytes(number, encode_bytes(1, key) + encode_bytes(2, value))


class Tensor(NamedTuple):
    """A tensor: its `DataType`, its shape, and its elements in row-major order."""

    dtype: int
    shape: tuple[int, ...]
    values: Sequence[float] | Sequence[bytes]

    def encode(self) -> bytes:
        """Encode a `TensorProto`; numbers go into `tensor_content`, texts into `string_val`."""
        shape = b"".join(encode_bytes(2, encode_varint(1, size)) for size in self.shape)
        head = encode_varint(1, self.dtype) + encode_bytes(2, shape)
        if self.dtype == DT_STRING:
            return head + b"".join(encode_bytes(8, v) for v in self.values if isinstance(v, bytes))
        code = {DT_FLOAT: "f", DT_DOUBLE: "d", DT_INT32: "i", DT_UINT8: "B"}[self.dtype]
        return head + encode_bytes(4, struct.pack(f"<{len(self.values)}{code}", *self.values))


def encode_summary_metadata(
    plugin: str, content: bytes, *, data_class: int = 0, name: str = "", description: str = ""
) -> bytes:
    """Encode a `SummaryMetadata`.

    `data_class` is 1 for a scalar, 2 for a tensor, 3 for a blob sequence, and 0 to leave it unset.
    """
    encoded = encode_bytes(
        1, encode_bytes(1, plugin) + (encode_bytes(2, content) if content else b"")
    )
    encoded += encode_bytes(2, name) if name else b""
    encoded += encode_bytes(3, description) if description else b""
    return encoded + (encode_varint(4, data_class) if data_class else b"")


def encode_event(wall_time: float, step: int, what: bytes) -> bytes:
    """Encode an `Event`.

    Args:
        wall_time: seconds since 1970.
        step: the step.
        what: the encoded field that says what happened.
    """
    return encode_double(1, wall_time) + (encode_varint(2, step) if step else b"") + what


def encode_record(data: bytes) -> bytes:
    """Encode one TFRecord: length, its masked CRC-32C, the data, their masked CRC-32C."""
    length = struct.pack("<Q", len(data))
    return length + _mask_crc32c(length) + data + _mask_crc32c(data)


def _encode_raw_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _make_crc_table() -> tuple[int, ...]:
    def compute_row(crc: int) -> int:
        for _ in range(8):
            crc = crc >> 1 ^ (_CASTAGNOLI if crc & 1 else 0)
        return crc

    return tuple(compute_row(n) for n in range(256))


_CRC_TABLE = _make_crc_table()


def crc32c(data: bytes) -> int:
    """Compute the CRC-32C (Castagnoli) of the data."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFF_FFFF


def _mask_crc32c(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFF_FFFF)
