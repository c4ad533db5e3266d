"""The writer of the smoke notebook: pictures and scalars that can be read back."""

from __future__ import annotations

import os
import struct
import zlib

from hypothesis import given
from hypothesis import strategies as st

from builder.smoke.jupyter.writer import EventFileWriter
from builder.tensorboard.summaries import PNG_GREY, encode_png


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_pictures_hold_their_pixels(width: int, height: int, data: st.DataObject) -> None:
    """Read back by the PNG standard: size, filter bytes, pixels, checksums."""
    line = st.lists(st.integers(0, 255), min_size=width, max_size=width)
    rows = data.draw(st.lists(line, min_size=height, max_size=height))
    png = encode_png(width, [bytes(row) for row in rows], PNG_GREY)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(
            kind + body
        )
        chunks[kind] = body
        at += 12 + length
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (width, height, 8, 0, 0, 0, 0)
    assert zlib.decompress(chunks[b"IDAT"]) == b"".join(b"\0" + bytes(row) for row in rows)


@given(st.floats(width=64, allow_nan=False, min_value=-1e38, max_value=1e38))
def test_scalars_are_remembered_as_the_file_holds_them(value: float) -> None:
    """As 32-bit floats: what is read back is what is compared."""
    log = EventFileWriter(os.devnull)
    log._file = open(os.devnull, "wb")  # noqa: SIM115, PTH123, SLF001 - closed by its own exit
    with log._file:  # noqa: SLF001
        log.write_scalar("x", 3, value)
    ((step, kept),) = log.written["scalars"]["x"]
    assert step == 3
    assert struct.pack("<f", kept) == struct.pack("<f", value)
    assert kept == struct.unpack("<f", struct.pack("<f", kept))[0]
