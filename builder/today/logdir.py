"""The logdir of the oracle: made from nothing but this file, the same bytes everywhere.

It is generated and not committed: field numbers can be reviewed, a binary cannot; making it takes
a tenth of a second and no environment; and the references hold its digest, so that it cannot drift
away from what was recorded on it. It exercises every plugin that shipped in a tensorboard wheel
from 1.14.0 on and that reads a logdir without TensorFlow (profile, beholder, the debuggers and
what-if are not even loaded without it). All numbers are fractions that a 32-bit float holds
exactly: no platform's libm or printf has a say.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from builder.tensorboard import summaries as s
from builder.tensorboard.events import DT_FLOAT, Tensor, double, entry, event, record, text, varint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The last value of every run: a server that lists it has read the whole run.
SENTINEL = "zz/the end"
START = 1_600_000_000.0
_HOUR = 3600.0
_LONG = "a/very/long/" + "tag" * 70
_UNICODE = "größe/χ²·日本語 & <tag>?"
_EDGES = (-2.0, -1.0, -0.25, 0.0, 0.25, 1.0, 2.0)
# Above TensorBoard's 1000 scalars, 500 histograms and 10 images and tensors for each tag.
_MANY_SCALARS, _MANY_HISTOGRAMS, _MANY_TENSORS = 1500, 520, 14

RUNS = (".", "train", "eval/ünï cødé", "large", "hp", "hp/0", "hp/1", "hp/2")


def files() -> dict[str, bytes]:
    """Path below the logdir → content, for every file."""
    made = {
        "events.out.tfevents.1600000000.era": _file(0, _root()),
        "train/events.out.tfevents.1600003600.era": _file(1, _train_first()),
        "train/events.out.tfevents.1600003601.era": _file(1, _train_second(), 4000),
        "eval/ünï cødé/events.out.tfevents.1600007200.era": _file(2, _eval()),
        "large/events.out.tfevents.1600010800.era": _file(3, _large()),
        "hp/events.out.tfevents.1600014400.era": _file(4, _experiment()),
    }
    for k in range(3):
        made[f"hp/{k}/events.out.tfevents.160001800{k}.era"] = _file(5 + k, _session(k))
    return made | _projector()


def write(directory: Path) -> None:
    """Make the logdir there."""
    for name, content in files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def digest() -> str:
    """One sha256 over all paths and contents."""
    total = hashlib.sha256()
    for name, content in sorted(files().items()):
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def _file(run: int, happenings: Iterator[tuple[int, bytes]], offset: int = 0) -> bytes:
    """An event file; every run starts an hour after the one before it, half a second a record."""
    start = START + run * _HOUR
    records = [record(event(start + offset * 0.5, 0, text(3, "brain.Event:2")))]
    for k, (step, what) in enumerate(happenings, offset + 1):
        records.append(record(event(start + k * 0.5, step, what)))
    return b"".join(records)


def _end(step: int = 1) -> tuple[int, bytes]:
    return step, s.summary(s.old_scalar(SENTINEL, 1.0))


def _root() -> Iterator[tuple[int, bytes]]:
    yield 0, text(4, _graph("root", 1))
    for k in range(4):
        yield k, s.summary(s.old_scalar("loss", 1 / 2**k))
    yield _end()


def _train_first() -> Iterator[tuple[int, bytes]]:
    """Everything in its new form."""
    yield 0, text(4, _graph("model", 3000))
    yield 0, s.summary(s.layout({"two": ["loss", "acc.*"]}, ("loss", "lower", "upper")))
    for k in range(6):
        yield k * 10, s.summary(s.scalar("loss", 1 / 2**k, "The loss", "Falls, *hopefully*."))
        yield k * 10, s.summary(s.scalar("lower", k / 4), s.scalar("upper", k / 2))
        yield k * 10, s.summary(s.scalar(f"acc/{_UNICODE}", k / 8), s.scalar(_LONG, -k / 4))
        yield k * 10, s.summary(s.histogram("weights", _EDGES, [1, 2, 3 + k, 3, 2, 1]))
        yield k * 10, s.summary(s.pr_curve("curve", _curve(k)))
    for k, value in enumerate((float("nan"), float("inf"), float("-inf"), -0.0, 2.0**-149, 1e38)):
        yield k, s.summary(s.scalar("not a number", value))
    yield 7, s.summary(s.histogram("empty", (0.0, 0.0), [0]))


def _train_second() -> Iterator[tuple[int, bytes]]:
    """The same run goes on in a second file, after a restart that purges later steps."""
    yield 50, text(7, varint(1, 1) + text(3, "restarted"))
    yield 50, s.summary(s.scalar("loss", 0.75, "The loss", "Falls, *hopefully*."))
    for k in range(3):
        pictures = [s.png(6, 5, 40 * k), s.png(6, 5, 40 * k + 1), s.gif(k)]
        yield k + 51, s.summary(s.image("pictures", 6, 5, pictures))
        yield k + 51, s.summary(s.audio("tones", [(s.wav(8 + k), b"*low*"), (s.wav(20), b"")]))
        yield k + 51, s.summary(s.words("notes", (), [f"# Title {k}\n\n* a\n* `b` & <b>c</b> ü"]))
        yield k + 51, s.summary(s.words("table", (2, 2), ["a", "**b**", "[c](d)", "<i>e</i>"]))
        yield k + 51, s.mesh("cube", _vertices(k), [0, 1, 2, 1, 2, 3], [255, 0, 127] * 4)
    yield 60, s.summary(s.graph_blob("batch_2", "graph_run_metadata", _run_metadata(2)))
    yield 61, s.summary(s.graph_blob("func", "graph_run_metadata_graph", _run_metadata(3)))
    yield 62, s.summary(s.graph_blob("keras", "graph_keras_model", _KERAS.encode()))
    yield 63, text(8, text(1, "step 63") + text(2, _run_metadata(1)))
    yield 64, s.summary(s.npmi("annotations", (2,), ["old", "new"]))
    yield 64, s.summary(s.npmi("metrics", (2,), ["nPMI@a", "nPMI@b"]))
    yield 64, s.summary(s.npmi("values", (2, 2), [0.5, float("nan"), -0.25, 1.0]))
    yield _end(65)


def _eval() -> Iterator[tuple[int, bytes]]:
    """Everything in its old form."""
    yield 0, text(4, _graph("model", 10))
    for k in range(6):
        yield k * 10, s.summary(s.old_scalar("loss", 1.5 / 2**k), s.old_scalar(_LONG, k / 4))
        yield k * 10, s.summary(s.old_scalar(f"acc/{_UNICODE}", k / 8))
        yield k * 10, s.summary(s.old_histogram("weights", _EDGES, [1, 0, 3 + k, 3, 2, 0, 1]))
    for k, value in enumerate((float("nan"), float("inf"), float("-inf"))):
        yield k, s.summary(s.old_scalar("not a number", value))
    for k in range(3):
        yield k, s.summary(s.old_image("pictures", 6, 5, s.png(6, 5, 90 + k)))
        yield k, s.summary(s.old_image("pictures/image/1", 6, 5, s.png(6, 5, 95 + k)))
        yield k, s.summary(s.old_audio("tones", s.wav(9 + k)))
        yield k, s.summary(s.words("notes", (2,), ["one\ntwo", "<script>three</script>"]))
        yield k, s.summary(s.pr_curve("curve", _curve(k + 1)))
    yield 3, text(8, text(1, "step 3") + text(2, _run_metadata(1)))
    yield _end(90)


def _large() -> Iterator[tuple[int, bytes]]:
    """More than a tag may keep, in both forms: what is sampled, and how, is part of the answer."""
    for k in range(_MANY_SCALARS):
        yield (
            k,
            s.summary(
                s.old_scalar("many", (k * 37 % 101) / 64), s.scalar("many/new", k / 8, classed=True)
            ),
        )
    for k in range(_MANY_HISTOGRAMS):
        yield k, s.summary(s.histogram("many/weights", (0.0, 1.0, 2.0), [k, k % 7]))
    for k in range(_MANY_TENSORS):
        yield k, s.summary(s.image("many/pictures", 2, 2, [s.png(2, 2, k)]))
        yield k, s.summary(s.words("many/notes", (), [f"note {k}"]))
    yield _end(_MANY_SCALARS)


def _experiment() -> Iterator[tuple[int, bytes]]:
    choices = b"".join(text(1, text(3, name)) for name in ("adam", "sgd"))
    infos = [
        text(1, "rate") + text(3, "how fast") + varint(4, 3) + text(6, double(1, 0) + double(2, 1)),
        text(1, "optimizer") + text(2, "Optimizer") + varint(4, 1) + text(5, choices),
        text(1, "flag") + varint(4, 2),
    ]
    yield 0, s.summary(s.hparams_experiment(infos, ["accuracy", "missing"]))
    yield _end()


def _session(k: int) -> Iterator[tuple[int, bytes]]:
    """Sessions 0 and 1 repeat each other: a group's sessions must have the same values."""
    group = k // 2
    values: dict[str, str | float | bool] = {
        "rate": (0.5, 0.125)[group],
        "optimizer": ("sgd", "adam")[group],
        "flag": group == 1,
    }
    yield 0, s.summary(s.hparams_start(values, f"group {group}", START + k))
    for step in range(3):
        yield step, s.summary(s.old_scalar("accuracy", (step + k) / 8))
    if k < 2:
        yield 3, s.summary(s.hparams_end(k + 1, START + k + 60))
    yield _end(4)


def _projector() -> dict[str, bytes]:
    """The projector's files, beside the root run."""
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
        "projector/sprite.png": s.png(6, 6, 7),
    }


def _curve(k: int) -> list[list[float]]:
    return [
        [8.0, 6.0, 4.0 + k],
        [8.0, 4.0, 0.0],
        [0.0, 4.0, 8.0],
        [0.0, 2.0, 4.0],
        [0.5, 0.625, 1.0],
        [1.0, 0.75, 0.5],
    ]


def _vertices(k: int) -> list[float]:
    return [v / 4 + k for v in (0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4)]


def _node(name: str, kind: str, inputs: tuple[str, ...] = (), attrs: bytes = b"") -> bytes:
    wires = b"".join(text(3, wire) for wire in inputs)
    return text(1, text(1, name) + text(2, kind) + wires + text(4, "/cpu:0") + attrs)


def _graph(scope: str, size: int) -> bytes:
    """A `GraphDef` with a function and a constant of `size` floats (an attribute to cut off)."""
    constant = Tensor(DT_FLOAT, (size,), [0.5] * size).encode()
    attrs = entry(5, "dtype", varint(6, 1)) + entry(5, "value", text(8, constant))
    attrs += entry(5, "_output_shapes", text(1, text(7, text(2, varint(1, size)))))
    nodes = _node(f"{scope}/x", "Const", attrs=attrs)
    nodes += _node(f"{scope}/y", "Add", (f"{scope}/x", f"{scope}/x"))
    nodes += _node(f"{scope}/z", "PartitionedCall", (f"^{scope}/y",), _calls("inner"))
    body = text(3, text(1, "w") + text(2, "Relu") + text(3, "a"))
    function = text(1, text(1, "inner") + text(2, text(1, "a") + varint(3, 1))) + body
    return nodes + text(2, text(1, function)) + text(4, varint(1, 26))


def _calls(function: str) -> bytes:
    return entry(5, "f", text(10, text(1, function)))


def _run_metadata(k: int) -> bytes:
    """A `RunMetadata` with step statistics and the graphs of one function."""
    output = text(7, varint(1, 0) + text(3, varint(1, 1) + text(2, text(2, varint(1, 8)))))
    node = text(1, "model/y") + varint(2, 1000 * k) + varint(4, 5) + varint(5, 7 + k) + output
    stats = text(1, text(1, text(1, "/cpu:0") + text(2, node)))
    graph = _graph(f"inner_{k}", 2)
    return stats + text(3, graph) + text(4, text(1, graph) + text(2, graph) + text(3, graph))


_KERAS = """{"class_name": "Sequential", "config": {"name": "sequential", "layers": [
{"class_name": "Dense", "config": {"name": "dense", "dtype": "float32", "units": 4,
 "batch_input_shape": [null, 2]}},
{"class_name": "Activation", "config": {"name": "activation", "dtype": "float32"}}]},
"keras_version": "2.2.4-tf", "backend": "tensorflow"}"""
