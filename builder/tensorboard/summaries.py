"""What a run can log: one function for each kind of summary, in its old form and in its new form.

Old form: `simple_value`, `image`, `audio` and `histo` fields of `Summary.Value`, as TensorFlow 1
and many PyTorch users write them. New form: a tensor with the plugin's name in the metadata. The
writers leave `data_class` unset, as TensorFlow's and TensorBoard's own do; the readers fill it in.
Where it is set, that is said. Each function returns encoded `Summary.Value` fields for `summary`.
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
    double,
    doubles,
    entry,
    metadata,
    single,
    text,
    varint,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SCALAR_CLASS, _TENSOR_CLASS = 1, 2
_VERTEX, _FACE, _COLOR = 1, 2, 3
_PARTS = {_VERTEX: "VERTEX", _FACE: "FACE", _COLOR: "COLOR"}
_SAMPLE_RATE = 8000


def summary(*values: bytes) -> bytes:
    """The `summary` field of an event."""
    return text(5, b"".join(text(1, value) for value in values))


def tensor(tag: str, value: Tensor, about: bytes = b"") -> bytes:
    """Any tensor, with or without metadata."""
    return text(1, tag) + text(8, value.encode()) + (text(9, about) if about else b"")


def old_scalar(tag: str, value: float) -> bytes:
    """`simple_value`."""
    return text(1, tag) + single(2, value)


def scalar(
    tag: str, value: float, name: str = "", description: str = "", *, classed: bool = False
) -> bytes:
    """A rank-0 tensor of the scalars plugin, with its data class set if `classed`."""
    kind = _SCALAR_CLASS if classed else 0
    about = metadata("scalars", b"", data_class=kind, name=name, description=description)
    return tensor(tag, Tensor(DT_FLOAT, (), [value]), about)


def old_histogram(tag: str, edges: Sequence[float], counts: Sequence[float]) -> bytes:
    """`histo`: a `HistogramProto`; one edge less than counts starts below the first edge."""
    total = sum(counts)
    body = double(1, edges[0]) + double(2, edges[-1]) + double(3, total) + double(4, 1.5)
    body += double(5, 3.25) + doubles(6, edges) + doubles(7, counts)
    return text(1, tag) + text(5, body)


def histogram(tag: str, edges: Sequence[float], counts: Sequence[float]) -> bytes:
    """A tensor of rows (left edge, right edge, count)."""
    rows = [n for k, count in enumerate(counts) for n in (edges[k], edges[k + 1], count)]
    about = metadata("histograms", b"", description="*how it spreads*")
    return tensor(tag, Tensor(DT_DOUBLE, (len(counts), 3), rows), about)


def old_image(tag: str, width: int, height: int, data: bytes) -> bytes:
    """`image`: the encoded picture."""
    return text(1, tag) + text(
        4, varint(1, height) + varint(2, width) + varint(3, 3) + text(4, data)
    )


def image(tag: str, width: int, height: int, pictures: Sequence[bytes]) -> bytes:
    """A tensor of width, height and the encoded pictures."""
    parts = [str(width).encode(), str(height).encode(), *pictures]
    about = metadata("images", b"", name="pictures", description="A *few*.")
    return tensor(tag, Tensor(DT_STRING, (len(parts),), parts), about)


def old_audio(tag: str, data: bytes) -> bytes:
    """`audio`: a WAV file of 8 kHz."""
    body = single(1, _SAMPLE_RATE) + varint(2, 1) + varint(3, 400) + text(4, data)
    return text(1, tag) + text(6, body + text(5, "audio/wav"))


def audio(tag: str, clips: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A tensor of pairs (WAV file, label in Markdown)."""
    parts = [part for clip in clips for part in clip]
    about = metadata("audio", varint(2, 11), description="a `tone`")
    return tensor(tag, Tensor(DT_STRING, (len(clips), 2), parts), about)


def words(tag: str, shape: tuple[int, ...], values: Sequence[str]) -> bytes:
    """Text in Markdown: one piece, a list or a table."""
    about = metadata("text", b"")
    return tensor(tag, Tensor(DT_STRING, shape, [v.encode() for v in values]), about)


def pr_curve(tag: str, rows: Sequence[Sequence[float]]) -> bytes:
    """Six rows: true and false positives, true and false negatives, precision, recall."""
    flat = [value for row in rows for value in row]
    about = metadata("pr_curves", varint(2, len(rows[0])), name="a curve")
    return tensor(tag, Tensor(DT_FLOAT, (len(rows), len(rows[0])), flat), about)


def mesh(tag: str, vertices: Sequence[float], faces: Sequence[int], colors: Sequence[int]) -> bytes:
    """A mesh in its three parts, which are three values of one summary."""
    parts = {
        _VERTEX: Tensor(DT_FLOAT, (1, len(vertices) // 3, 3), vertices),
        _FACE: Tensor(DT_INT32, (1, len(faces) // 3, 3), faces),
        _COLOR: Tensor(DT_UINT8, (1, len(colors) // 3, 3), colors),
    }
    components = sum(1 << kind for kind in parts)
    config = '{"camera": {"cls": "PerspectiveCamera", "fov": 75}}'
    values = []
    for kind, part in parts.items():
        content = text(2, tag) + varint(3, kind) + text(5, config)
        content += text(6, b"".join(bytes([size]) for size in part.shape)) + varint(7, components)
        about = metadata("mesh", content, name=tag)
        values.append(tensor(f"{tag}_{_PARTS[kind]}", part, about))
    return summary(*values)


def layout(charts: Mapping[str, Sequence[str]], margin: tuple[str, str, str]) -> bytes:
    """A custom scalars layout: multi-line charts by title, and one margin chart."""
    lines = [
        text(2, text(1, title) + text(2, b"".join(text(1, tag) for tag in tags)))
        for title, tags in charts.items()
    ]
    series = text(1, b"".join(text(n, tag) for n, tag in enumerate(margin, 1)))
    category = text(1, "chosen ✓") + b"".join(lines) + text(2, text(1, "margin") + text(3, series))
    body = text(2, category) + text(2, text(1, "closed") + lines[0] + varint(3, 1))
    about = metadata("custom_scalars", b"")
    return tensor("custom_scalars__config__", Tensor(DT_STRING, (), [body]), about)


def graph_blob(tag: str, plugin: str, data: bytes) -> bytes:
    """A serialized graph, run metadata or Keras model of the graphs plugin (TensorFlow 2)."""
    return tensor(tag, Tensor(DT_STRING, (), [data]), metadata(plugin, b"1"))


def hparams_experiment(hparams: Sequence[bytes], metric_tags: Sequence[str]) -> bytes:
    """What may vary and what is measured; `hparams` are encoded `HParamInfo`."""
    body = text(1, "an *experiment*") + text(2, "somebody") + double(3, 1_500_000_000.0)
    body += b"".join(text(4, info) for info in hparams)
    metrics = (text(1, text(1, "") + text(2, tag)) + text(3, tag.upper()) for tag in metric_tags)
    return _hparams("experiment", text(2, body + b"".join(text(5, m) for m in metrics)))


def hparams_start(values: Mapping[str, str | float | bool], group: str, seconds: float) -> bytes:
    """A session starts with these values (`google.protobuf.Value`: number 2, text 3, bool 4)."""
    body = b""
    for name, value in values.items():
        if isinstance(value, bool):
            encoded = varint(4, int(value))
        else:
            encoded = text(3, value) if isinstance(value, str) else double(2, value)
        body += entry(1, name, encoded)
    return _hparams("session_start_info", text(3, body + text(4, group) + double(5, seconds)))


def hparams_end(status: int, seconds: float) -> bytes:
    """A session ends: 1 success, 2 failure, 3 still running."""
    return _hparams("session_end_info", text(4, varint(1, status) + double(2, seconds)))


def _hparams(tag: str, content: bytes) -> bytes:
    about = metadata("hparams", content)
    return tensor(f"_hparams_/{tag}", Tensor(DT_FLOAT, (0,), []), about)


def npmi(tag: str, shape: tuple[int, ...], values: Sequence[float] | Sequence[str]) -> bytes:
    """Normalised pointwise mutual information: annotations and metrics (texts), values (floats)."""
    about = metadata("npmi", b"", data_class=_TENSOR_CLASS)
    texts = [v.encode() for v in values if isinstance(v, str)]
    numbers = [v for v in values if not isinstance(v, str)]
    kind = DT_STRING if texts else DT_FLOAT
    return tensor(f"_npmi_/{tag}", Tensor(kind, shape, texts or numbers), about)


def png(width: int, height: int, shade: int) -> bytes:
    """A small RGB picture; zlib level 0, so that no zlib's taste gets into the bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(
        b"\0" + bytes(v for x in range(width) for v in (shade, x * 16 & 255, y * 16 & 255))
        for y in range(height)
    )
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    stored = zlib.compress(rows, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", stored) + chunk(b"IEND", b"")
    )


def gif(shade: int) -> bytes:
    """One pixel: another format than PNG, for the code that tells formats apart."""
    head = b"GIF89a\x01\0\x01\0\x80\0\0" + bytes([shade] * 3) + b"\xff\xff\xff"
    return head + b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


def wav(period: int) -> bytes:
    """A saw tooth of 400 samples, mono, 16 bit."""
    samples = struct.pack("<400h", *(((k % period) * 600) - 9000 for k in range(400)))
    head = struct.pack("<IHHIIHH", 16, 1, 1, _SAMPLE_RATE, 2 * _SAMPLE_RATE, 2, 16)
    body = b"WAVEfmt " + head + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body
