"""The oracle's logdir: the same bytes everywhere, in the formats that TensorBoard reads."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from builder.tensorboard import events
from builder.today import logdir

if TYPE_CHECKING:
    from pathlib import Path


def read_varint(data: bytes) -> tuple[int, bytes]:
    """A number in base 128, lowest digits first, and what follows it."""
    value = shift = 0
    while True:
        byte, data = data[0], data[1:]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, data
        shift += 7


def records(content: bytes) -> list[bytes]:
    """The records of an event file; both checksums of each must hold."""
    found = []
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        data, rest = content[12 : 12 + length], content[12 + length :]
        for part, stored in ((content[:8], content[8:12]), (data, rest[:4])):
            crc = events.crc32c(part)
            masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFF_FFFF
            assert stored == struct.pack("<I", masked)
        found.append(data)
        content = rest[4:]
    return found


def test_checksum_is_the_published_one() -> None:
    """CRC-32C of the digits 1 to 9 is the check value of its definition (RFC 3720)."""
    assert events.crc32c(b"123456789") == 0xE306_9283
    assert events.crc32c(bytes(32)) == 0x8A91_36AA


@given(st.integers(1, 2**29 - 1), st.integers(-(2**63), 2**63 - 1))
def test_numbers_can_be_read_again(number: int, value: int) -> None:
    """A field's number, its wire type and its value come back, negative ones too."""
    key, rest = read_varint(events.encode_varint(number, value))
    assert key == number << 3
    read, rest = read_varint(rest)
    assert (read, rest) == (value % 2**64, b"")


@given(st.integers(1, 2**29 - 1), st.binary(max_size=300))
def test_bytes_can_be_read_again(number: int, value: bytes) -> None:
    """A field of any length comes back."""
    key, rest = read_varint(events.encode_bytes(number, value))
    assert key == number << 3 | 2
    length, rest = read_varint(rest)
    assert (length, rest) == (len(value), value)


@given(st.binary(max_size=200))
def test_records_can_be_read_again(data: bytes) -> None:
    """A record's data comes back, and both of its checksums hold."""
    assert records(events.encode_record(data) * 2) == [data, data]


def test_every_event_file_is_whole_and_ends_with_the_sentinel() -> None:
    """All checksums hold; in the last file of each run the last event is what is waited for."""
    last: dict[str, bytes] = {}
    for name, content in sorted(logdir.make_logdir_files().items()):
        run, _, file = name.rpartition("/")
        if "tfevents" in file:
            last[run or "."] = records(content)[-1]
    assert set(last) == set(logdir.RUNS)
    assert all(logdir.SENTINEL_TAG.encode() in event for event in last.values())


def test_written_files_are_the_generated_ones(tmp_path: Path) -> None:
    """What lies on disk is `files()`, unicode names included, and nothing else."""
    logdir.write_logdir(tmp_path)
    found = {
        str(path.relative_to(tmp_path)): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert found == logdir.make_logdir_files()
