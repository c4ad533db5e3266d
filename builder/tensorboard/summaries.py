"""Encode what a run can log: a function for each kind of summary, in its old and in its new form.

Old form: `simple_value`, `image`, `audio` and `histo` fields of `Summary.Value`, as TensorFlow
1 and many PyTorch users write them. New form: a tensor with the plugin's name in the metadata.
The writers leave `data_class` unset, as TensorFlow's and TensorBoard's own do; the readers fill
it in. The functions that set it say so. Each function returns encoded `Summary.Value` fields
for `encode_summary`.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from builder.tensorboard.events import (
    DT_DOUBLE,
    DT_FLOAT,
    DT_INT32,
    DT_STRING,
    DT_UINT8,
    Tensor,
    encode_bytes,
    encode_double,
    encode_float,
    encode_packed_doubles,
    encode_summary_metadata,
    encode_varint,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SCALAR_CLASS, _TENSOR_CLASS = 1, 2
_VERTEX, _FACE, _COLOR = 1, 2, 3
_MESH_PARTS = {_VERTEX: "VERTEX", _FACE: "FACE", _COLOR: "COLOR"}
PNG_GREY, PNG_RGB = 0, 2  # colour types of PNG
_SAMPLE_RATE = 8000


def encode_summary(*values: bytes) -> bytes:
    """Encode the `summary` field of an event."""
    return encode_bytes(5, b"".join(encode_bytes(1, value) for value in values))


def encode_tensor(tag: str, value: Tensor, about: bytes = b"") -> bytes:
    """Encode any tensor, with or without metadata."""
    return (
        encode_bytes(1, tag)
        + encode_bytes(8, value.encode())
        + (encode_bytes(9, about) if about else b"")
    )


def encode_old_scalar(tag: str, value: float) -> bytes:
    """Encode a scalar in its old form: `simple_value`."""
    return encode_bytes(1, tag) + encode_float(2, value)


def encode_scalar(
    tag: str, value: float, name: str = "", description: str = "", *, classed: bool = False
) -> bytes:
    """Encode a rank-0 tensor of the scalars plugin, with its data class set if `classed`."""
    kind = _SCALAR_CLASS if classed else 0
    about = encode_summary_metadata(
        "scalars", b"", data_class=kind, name=name, description=description
    )
    return encode_tensor(tag, Tensor(DT_FLOAT, (), [value]), about)


def encode_old_histogram(tag: str, edges: Sequence[float], counts: Sequence[float]) -> bytes:
    """Encode a histogram in its old form: `histo`, a `HistogramProto`.

    There is one edge less than in the new form: the first count is of what is below the first edge.
    """
    total = sum(counts)
    body = (
        encode_double(1, edges[0])
        + encode_double(2, edges[-1])
        + encode_double(3, total)
        + encode_double(4, 1.5)
    )
    body += (
        encode_double(5, 3.25) + encode_packed_doubles(6, edges) + encode_packed_doubles(7, counts)
    )
    return encode_bytes(1, tag) + encode_bytes(5, body)


def encode_histogram(tag: str, edges: Sequence[float], counts: Sequence[float]) -> bytes:
    """Encode a histogram in its new form: rows (left edge, right edge, count)."""
    rows = [n for k, count in enumerate(counts) for n in (edges[k], edges[k + 1], count)]
    about = encode_summary_metadata("histograms", b"", description="*how it spreads*")
    return encode_tensor(tag, Tensor(DT_DOUBLE, (len(counts), 3), rows), about)


def encode_old_image(tag: str, width: int, height: int, data: bytes) -> bytes:
    """Encode an image in its old form: `image`, the encoded picture."""
    return encode_bytes(1, tag) + encode_bytes(
        4,
        encode_varint(1, height)
        + encode_varint(2, width)
        + encode_varint(3, 3)
        + encode_bytes(4, data),
    )


def encode_image(tag: str, width: int, height: int, pictures: Sequence[bytes]) -> bytes:
    """Encode images in their new form: a tensor of width, height and the encoded pictures."""
    parts = [str(width).encode(), str(height).encode(), *pictures]
    about = encode_summary_metadata("images", b"", name="pictures", description="A *few*.")
    return encode_tensor(tag, Tensor(DT_STRING, (len(parts),), parts), about)


def encode_old_audio(tag: str, data: bytes) -> bytes:
    """Encode audio in its old form: `audio`, a WAV file of 8 kHz."""
    body = (
        encode_float(1, _SAMPLE_RATE)
        + encode_varint(2, 1)
        + encode_varint(3, 400)
        + encode_bytes(4, data)
    )
    return encode_bytes(1, tag) + encode_bytes(6, body + encode_bytes(5, "audio/wav"))


def encode_audio(tag: str, clips: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Encode audio in its new form: a tensor of pairs (WAV file, label in Markdown)."""
    parts = [part for clip in clips for part in clip]
    about = encode_summary_metadata("audio", encode_varint(2, 11), description="a `tone`")
    return encode_tensor(tag, Tensor(DT_STRING, (len(clips), 2), parts), about)


def encode_text(tag: str, shape: tuple[int, ...], values: Sequence[str]) -> bytes:
    """Encode text in Markdown: one piece, a list or a table."""
    about = encode_summary_metadata("text", b"")
    return encode_tensor(tag, Tensor(DT_STRING, shape, [v.encode() for v in values]), about)


def encode_pr_curve(tag: str, rows: Sequence[Sequence[float]]) -> bytes:
    """Encode a precision-recall curve in six rows.

    They are true and false positives, true and false negatives, precision, recall.
    """
    flat = [value for row in rows for value in row]
    about = encode_summary_metadata("pr_curves", encode_varint(2, len(rows[0])), name="a curve")
    return encode_tensor(tag, Tensor(DT_FLOAT, (len(rows), len(rows[0])), flat), about)


def encode_mesh(
    tag: str, vertices: Sequence[float], faces: Sequence[int], colors: Sequence[int]
) -> bytes:
    """Encode a mesh in its three parts, which are three values of one summary."""
    parts = {
        _VERTEX: Tensor(DT_FLOAT, (1, len(vertices) // 3, 3), vertices),
        _FACE: Tensor(DT_INT32, (1, len(faces) // 3, 3), faces),
        _COLOR: Tensor(DT_UINT8, (1, len(colors) // 3, 3), colors),
    }
    components = sum(1 << kind for kind in parts)
    config = '{"camera": {"cls": "PerspectiveCamera", "fov": 75}}'
    values = []
    for kind, part in parts.items():
        content = encode_bytes(2, tag) + encode_varint(3, kind) + encode_bytes(5, config)
        content += encode_bytes(6, b"".join(bytes([size]) for size in part.shape)) + encode_varint(
            7, components
        )
        about = encode_summary_metadata("mesh", content, name=tag)
        values.append(encode_tensor(f"{tag}_{_MESH_PARTS[kind]}", part, about))
    return encode_summary(*values)


def encode_scalars_layout(
    charts: Mapping[str, Sequence[str]], margin: tuple[str, str, str]
) -> bytes:
    """Encode a custom scalars layout: multi-line charts by title, and one margin chart."""
    lines = [
        encode_bytes(
            2,
            encode_bytes(1, title)
            + encode_bytes(2, b"".join(encode_bytes(1, tag) for tag in tags)),
        )
        for title, tags in charts.items()
    ]
    series = encode_bytes(1, b"".join(encode_bytes(n, tag) for n, tag in enumerate(margin, 1)))
    category = (
        encode_bytes(1, "chosen ✓")
        + b"".join(lines)
        + encode_bytes(2, encode_bytes(1, "margin") + encode_bytes(3, series))
    )
    body = encode_bytes(2, category) + encode_bytes(
        2, encode_bytes(1, "closed") + lines[0] + encode_varint(3, 1)
    )
    about = encode_summary_metadata("custom_scalars", b"")
    return encode_tensor("custom_scalars__config__", Tensor(DT_STRING, (), [body]), about)


def encode_graph_blob(tag: str, plugin: str, data: bytes) -> bytes:
    """Encode a serialized graph, run metadata or Keras model.

    They are for the graphs plugin (TensorFlow 2).
    """
    return encode_tensor(tag, Tensor(DT_STRING, (), [data]), encode_summary_metadata(plugin, b"1"))


def encode_npmi(tag: str, shape: tuple[int, ...], values: Sequence[float] | Sequence[str]) -> bytes:
    """Encode normalised pointwise mutual information.

    Annotations and metrics are texts, values are floats.
    """
    about = encode_summary_metadata("npmi", b"", data_class=_TENSOR_CLASS)
    texts = [v.encode() for v in values if isinstance(v, str)]
    numbers = [v for v in values if not isinstance(v, str)]
    kind = DT_STRING if texts else DT_FLOAT
    return encode_tensor(f"_npmi_/{tag}", Tensor(kind, shape, texts or numbers), about)


def encode_png(width: int, rows: Sequence[bytes], colour_type: int) -> bytes:
    """Encode rows of 8-bit samples as a PNG (RFC 2083).

    zlib stores them only, so that the bytes are the same with every zlib.

    Args:
        width: how many pixels a row has.
        rows: the samples of each row.
        colour_type: `PNG_GREY`, one sample a pixel, or `PNG_RGB`, three.
    """

    def encode_chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    return (
        b"\x89PNG\r\n\x1a\n"
        + encode_chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), 8, colour_type, 0, 0, 0))
        + encode_chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 0))
        + encode_chunk(b"IEND", b"")
    )


def make_png(width: int, height: int, shade: int) -> bytes:
    """Make a small RGB picture."""
    rows = [
        bytes(v for x in range(width) for v in (shade, x * 16 & 255, y * 16 & 255))
        for y in range(height)
    ]
    return encode_png(width, rows, PNG_RGB)


def make_gif(shade: int) -> bytes:
    """Make a GIF of one pixel: a format other than PNG, for the code that tells formats apart."""
    head = b"GIF89a\x01\0\x01\0\x80\0\0" + bytes([shade] * 3) + b"\xff\xff\xff"
    return head + b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


def make_wav(period: int) -> bytes:
    """Make a WAV file of a sawtooth: 400 samples, mono, 16 bit."""
    samples = struct.pack("<400h", *(((k % period) * 600) - 9000 for k in range(400)))
    head = struct.pack("<IHHIIHH", 16, 1, 1, _SAMPLE_RATE, 2 * _SAMPLE_RATE, 2, 16)
    body = b"WAVEfmt " + head + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body
