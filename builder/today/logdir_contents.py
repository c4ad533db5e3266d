"""What lies in the oracle's logdir beside plain numbers: graphs, curves, a projector's files."""

from __future__ import annotations

from builder.tensorboard import summaries
from builder.tensorboard.events import (
    DT_FLOAT,
    Tensor,
    encode_bytes,
    encode_map_entry,
    encode_varint,
)

KERAS_MODEL = """{"class_name": "Sequential", "config": {"name": "sequential", "layers": [
{"class_name": "Dense", "config": {"name": "dense", "dtype": "float32", "units": 4,
 "batch_input_shape": [null, 2]}},
{"class_name": "Activation", "config": {"name": "activation", "dtype": "float32"}}]},
"keras_version": "2.2.4-tf", "backend": "tensorflow"}"""


def make_projector_files() -> dict[str, bytes]:
    """Make the projector's files, next to the root run."""
    tensor = "".join(f"{k / 4}\t{k * k / 8}\t{-k / 2}\n" for k in range(9))
    labels = "name\tclass\n" + "".join(f"läbel {k}\t{k % 2}\n" for k in range(9))
    config = (
        'embeddings { tensor_name: "words" tensor_path: "projector/words.tsv" '
        'metadata_path: "projector/labels.tsv" bookmarks_path: "projector/bookmarks.json" '
        'sprite { image_path: "projector/sprite.png" single_image_dim: 2 single_image_dim: 2 } }\n'
    )
    return {
        "projector_config.pbtxt": config.encode(),
        "projector/words.tsv": tensor.encode(),
        "projector/labels.tsv": labels.encode(),
        "projector/bookmarks.json": b'[{"label": "here"}]',
        "projector/sprite.png": summaries.make_png(6, 6, 7),
    }


def make_pr_curve(k: int) -> list[list[float]]:
    """Make the rows of a precision-recall curve; `k` tells curves apart."""
    return [
        [8.0, 6.0, 4.0 + k],
        [8.0, 4.0, 0.0],
        [0.0, 4.0, 8.0],
        [0.0, 2.0, 4.0],
        [0.5, 0.625, 1.0],
        [1.0, 0.75, 0.5],
    ]


def make_mesh_vertices(k: int) -> list[float]:
    """Make the vertices of a tetrahedron; `k` moves it."""
    return [v / 4 + k for v in (0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4)]


def _encode_node(name: str, kind: str, inputs: tuple[str, ...] = (), attrs: bytes = b"") -> bytes:
    wires = b"".join(encode_bytes(3, wire) for wire in inputs)
    return encode_bytes(
        1, encode_bytes(1, name) + encode_bytes(2, kind) + wires + encode_bytes(4, "/cpu:0") + attrs
    )


def encode_graph(scope: str, size: int) -> bytes:
    """Encode a `GraphDef` with a function and a constant of `size` floats (to be cut off)."""
    constant = Tensor(DT_FLOAT, (size,), [0.5] * size).encode()
    attrs = encode_map_entry(5, "dtype", encode_varint(6, 1)) + encode_map_entry(
        5, "value", encode_bytes(8, constant)
    )
    attrs += encode_map_entry(
        5,
        "_output_shapes",
        encode_bytes(1, encode_bytes(7, encode_bytes(2, encode_varint(1, size)))),
    )
    nodes = _encode_node(f"{scope}/x", "Const", attrs=attrs)
    nodes += _encode_node(f"{scope}/y", "Add", (f"{scope}/x", f"{scope}/x"))
    nodes += _encode_node(
        f"{scope}/z", "PartitionedCall", (f"^{scope}/y",), _encode_function_call("inner")
    )
    body = encode_bytes(3, encode_bytes(1, "w") + encode_bytes(2, "Relu") + encode_bytes(3, "a"))
    function = (
        encode_bytes(
            1,
            encode_bytes(1, "inner") + encode_bytes(2, encode_bytes(1, "a") + encode_varint(3, 1)),
        )
        + body
    )
    return (
        nodes + encode_bytes(2, encode_bytes(1, function)) + encode_bytes(4, encode_varint(1, 26))
    )


def _encode_function_call(function: str) -> bytes:
    return encode_map_entry(5, "f", encode_bytes(10, encode_bytes(1, function)))


def encode_run_metadata(k: int) -> bytes:
    """Encode a `RunMetadata` with step statistics and the graphs of one function."""
    output = encode_bytes(
        7,
        encode_varint(1, 0)
        + encode_bytes(
            3, encode_varint(1, 1) + encode_bytes(2, encode_bytes(2, encode_varint(1, 8)))
        ),
    )
    node = (
        encode_bytes(1, "model/y")
        + encode_varint(2, 1000 * k)
        + encode_varint(4, 5)
        + encode_varint(5, 7 + k)
        + output
    )
    stats = encode_bytes(1, encode_bytes(1, encode_bytes(1, "/cpu:0") + encode_bytes(2, node)))
    graph = encode_graph(f"inner_{k}", 2)
    return (
        stats
        + encode_bytes(3, graph)
        + encode_bytes(4, encode_bytes(1, graph) + encode_bytes(2, graph) + encode_bytes(3, graph))
    )
