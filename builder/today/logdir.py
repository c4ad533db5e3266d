"""The logdir that era references are recorded on: made by code alone, the same everywhere.

It is generated and not committed, for three reasons. Field numbers can be reviewed, a binary
cannot. Making it takes a tenth of a second and no virtualenv. And the references hold its
digest, so that it cannot drift away from what was recorded on it.

It exercises every plugin that shipped in a tensorboard wheel from 1.14.0 on and that reads a
logdir without TensorFlow (profile, beholder, the debuggers and what-if are not even loaded
without it). All numbers are fractions that a 32-bit float holds exactly, so that its bytes do
not depend on a platform's libm or printf.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from builder.tensorboard import hparams
from builder.tensorboard import summaries as s
from builder.tensorboard.events import (
    encode_bytes,
    encode_double,
    encode_event,
    encode_record,
    encode_varint,
)
from builder.today.logdir_contents import (
    KERAS_MODEL,
    encode_graph,
    encode_run_metadata,
    make_mesh_vertices,
    make_pr_curve,
    make_projector_files,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The last value of every run: a server that lists it has read the whole run.
SENTINEL_TAG = "zz/the end"
START_TIME = 1_600_000_000.0
_HOUR = 3600.0
_LONG_TAG = "a/very/long/" + "tag" * 70
_UNICODE_TAG = "größe/χ²·日本語 & <tag>?"
_HISTOGRAM_EDGES = (-2.0, -1.0, -0.25, 0.0, 0.25, 1.0, 2.0)
# More than TensorBoard keeps for each tag: 1000 scalars, 500 histograms, 10 images and tensors.
_MANY_SCALARS, _MANY_HISTOGRAMS, _MANY_TENSORS = 1500, 520, 14

RUNS = (".", "train", "eval/ünï cødé", "large", "hp", "hp/0", "hp/1", "hp/2")


def make_logdir_files() -> dict[str, bytes]:
    """Make all files: path below the logdir → content."""
    made = {
        "events.out.tfevents.1600000000.era": _make_event_file(0, _iter_root_events()),
        "train/events.out.tfevents.1600003600.era": _make_event_file(1, _iter_train_events()),
        "train/events.out.tfevents.1600003601.era": _make_event_file(
            1, _iter_restarted_events(), 4000
        ),
        "eval/ünï cødé/events.out.tfevents.1600007200.era": _make_event_file(
            2, _iter_eval_events()
        ),
        "large/events.out.tfevents.1600010800.era": _make_event_file(3, _iter_large_events()),
        "hp/events.out.tfevents.1600014400.era": _make_event_file(4, _iter_experiment_events()),
    }
    for k in range(3):
        made[f"hp/{k}/events.out.tfevents.160001800{k}.era"] = _make_event_file(
            5 + k, _iter_session_events(k)
        )
    return made | make_projector_files()


def write_logdir(directory: Path) -> None:
    """Write the logdir's files into a directory."""
    for name, content in make_logdir_files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def digest_logdir() -> str:
    """Compute one sha256 over all paths and contents."""
    total = hashlib.sha256()
    for name, content in sorted(make_logdir_files().items()):
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def _make_event_file(run: int, events: Iterator[tuple[int, bytes]], offset: int = 0) -> bytes:
    """Make an event file.

    Every run starts an hour after the one before it, and its records are half a second apart.
    """
    start = START_TIME + run * _HOUR
    records = [
        encode_record(encode_event(start + offset * 0.5, 0, encode_bytes(3, "brain.Event:2")))
    ]
    for k, (step, what) in enumerate(events, offset + 1):
        records.append(encode_record(encode_event(start + k * 0.5, step, what)))
    return b"".join(records)


def _make_end_event(step: int = 1) -> tuple[int, bytes]:
    return step, s.encode_summary(s.encode_old_scalar(SENTINEL_TAG, 1.0))


def _iter_root_events() -> Iterator[tuple[int, bytes]]:
    yield 0, encode_bytes(4, encode_graph("root", 1))
    for k in range(4):
        yield k, s.encode_summary(s.encode_old_scalar("loss", 1 / 2**k))
    yield _make_end_event()


def _iter_train_events() -> Iterator[tuple[int, bytes]]:
    """Yield summaries of all kinds in their new form."""
    yield 0, encode_bytes(4, encode_graph("model", 3000))
    yield (
        0,
        s.encode_summary(
            s.encode_scalars_layout({"two": ["loss", "acc.*"]}, ("loss", "lower", "upper"))
        ),
    )
    for k in range(6):
        yield (
            k * 10,
            s.encode_summary(s.encode_scalar("loss", 1 / 2**k, "The loss", "Falls, *hopefully*.")),
        )
        yield (
            k * 10,
            s.encode_summary(s.encode_scalar("lower", k / 4), s.encode_scalar("upper", k / 2)),
        )
        yield (
            k * 10,
            s.encode_summary(
                s.encode_scalar(f"acc/{_UNICODE_TAG}", k / 8), s.encode_scalar(_LONG_TAG, -k / 4)
            ),
        )
        yield (
            k * 10,
            s.encode_summary(
                s.encode_histogram("weights", _HISTOGRAM_EDGES, [1, 2, 3 + k, 3, 2, 1])
            ),
        )
        yield k * 10, s.encode_summary(s.encode_pr_curve("curve", make_pr_curve(k)))
    for k, value in enumerate((float("nan"), float("inf"), float("-inf"), -0.0, 2.0**-149, 1e38)):
        yield k, s.encode_summary(s.encode_scalar("not a number", value))
    yield 7, s.encode_summary(s.encode_histogram("empty", (0.0, 0.0), [0]))


def _iter_restarted_events() -> Iterator[tuple[int, bytes]]:
    """Yield the same run's second file, after a restart that purges later steps."""
    yield 50, encode_bytes(7, encode_varint(1, 1) + encode_bytes(3, "restarted"))
    yield 50, s.encode_summary(s.encode_scalar("loss", 0.75, "The loss", "Falls, *hopefully*."))
    for k in range(3):
        pictures = [s.make_png(6, 5, 40 * k), s.make_png(6, 5, 40 * k + 1), s.make_gif(k)]
        yield k + 51, s.encode_summary(s.encode_image("pictures", 6, 5, pictures))
        yield (
            k + 51,
            s.encode_summary(
                s.encode_audio("tones", [(s.make_wav(8 + k), b"*low*"), (s.make_wav(20), b"")])
            ),
        )
        yield (
            k + 51,
            s.encode_summary(
                s.encode_text("notes", (), [f"# Title {k}\n\n* a\n* `b` & <b>c</b> ü"])
            ),
        )
        yield (
            k + 51,
            s.encode_summary(s.encode_text("table", (2, 2), ["a", "**b**", "[c](d)", "<i>e</i>"])),
        )
        yield (
            k + 51,
            s.encode_mesh("cube", make_mesh_vertices(k), [0, 1, 2, 1, 2, 3], [255, 0, 127] * 4),
        )
    yield (
        60,
        s.encode_summary(
            s.encode_graph_blob("batch_2", "graph_run_metadata", encode_run_metadata(2))
        ),
    )
    yield (
        61,
        s.encode_summary(
            s.encode_graph_blob("func", "graph_run_metadata_graph", encode_run_metadata(3))
        ),
    )
    yield (
        62,
        s.encode_summary(s.encode_graph_blob("keras", "graph_keras_model", KERAS_MODEL.encode())),
    )
    yield 63, encode_bytes(8, encode_bytes(1, "step 63") + encode_bytes(2, encode_run_metadata(1)))
    yield 64, s.encode_summary(s.encode_npmi("annotations", (2,), ["old", "new"]))
    yield 64, s.encode_summary(s.encode_npmi("metrics", (2,), ["nPMI@a", "nPMI@b"]))
    yield 64, s.encode_summary(s.encode_npmi("values", (2, 2), [0.5, float("nan"), -0.25, 1.0]))
    yield _make_end_event(65)


def _iter_eval_events() -> Iterator[tuple[int, bytes]]:
    """Yield summaries of all kinds in their old form."""
    yield 0, encode_bytes(4, encode_graph("model", 10))
    for k in range(6):
        yield (
            k * 10,
            s.encode_summary(
                s.encode_old_scalar("loss", 1.5 / 2**k), s.encode_old_scalar(_LONG_TAG, k / 4)
            ),
        )
        yield k * 10, s.encode_summary(s.encode_old_scalar(f"acc/{_UNICODE_TAG}", k / 8))
        yield (
            k * 10,
            s.encode_summary(
                s.encode_old_histogram("weights", _HISTOGRAM_EDGES, [1, 0, 3 + k, 3, 2, 0, 1])
            ),
        )
    for k, value in enumerate((float("nan"), float("inf"), float("-inf"))):
        yield k, s.encode_summary(s.encode_old_scalar("not a number", value))
    for k in range(3):
        yield k, s.encode_summary(s.encode_old_image("pictures", 6, 5, s.make_png(6, 5, 90 + k)))
        yield (
            k,
            s.encode_summary(
                s.encode_old_image("pictures/image/1", 6, 5, s.make_png(6, 5, 95 + k))
            ),
        )
        yield k, s.encode_summary(s.encode_old_audio("tones", s.make_wav(9 + k)))
        yield (
            k,
            s.encode_summary(s.encode_text("notes", (2,), ["one\ntwo", "<script>three</script>"])),
        )
        yield k, s.encode_summary(s.encode_pr_curve("curve", make_pr_curve(k + 1)))
    yield 3, encode_bytes(8, encode_bytes(1, "step 3") + encode_bytes(2, encode_run_metadata(1)))
    yield _make_end_event(90)


def _iter_large_events() -> Iterator[tuple[int, bytes]]:
    """Yield more than a tag may keep, in both forms.

    What TensorBoard samples, and how, is part of its response.
    """
    for k in range(_MANY_SCALARS):
        yield (
            k,
            s.encode_summary(
                s.encode_old_scalar("many", (k * 37 % 101) / 64),
                s.encode_scalar("many/new", k / 8, classed=True),
            ),
        )
    for k in range(_MANY_HISTOGRAMS):
        yield k, s.encode_summary(s.encode_histogram("many/weights", (0.0, 1.0, 2.0), [k, k % 7]))
    for k in range(_MANY_TENSORS):
        yield k, s.encode_summary(s.encode_image("many/pictures", 2, 2, [s.make_png(2, 2, k)]))
        yield k, s.encode_summary(s.encode_text("many/notes", (), [f"note {k}"]))
    yield _make_end_event(_MANY_SCALARS)


def _iter_experiment_events() -> Iterator[tuple[int, bytes]]:
    choices = b"".join(encode_bytes(1, encode_bytes(3, name)) for name in ("adam", "sgd"))
    infos = [
        encode_bytes(1, "rate")
        + encode_bytes(3, "how fast")
        + encode_varint(4, 3)
        + encode_bytes(6, encode_double(1, 0) + encode_double(2, 1)),
        encode_bytes(1, "optimizer")
        + encode_bytes(2, "Optimizer")
        + encode_varint(4, 1)
        + encode_bytes(5, choices),
        encode_bytes(1, "flag") + encode_varint(4, 2),
    ]
    yield 0, s.encode_summary(hparams.encode_hparams_experiment(infos, ["accuracy", "missing"]))
    yield _make_end_event()


def _iter_session_events(k: int) -> Iterator[tuple[int, bytes]]:
    """Yield the events of one session.

    Sessions 0 and 1 repeat each other: a group's sessions must have the same values.
    """
    group = k // 2
    values: dict[str, str | float | bool] = {
        "rate": (0.5, 0.125)[group],
        "optimizer": ("sgd", "adam")[group],
        "flag": group == 1,
    }
    yield (
        0,
        s.encode_summary(hparams.encode_hparams_start(values, f"group {group}", START_TIME + k)),
    )
    for step in range(3):
        yield step, s.encode_summary(s.encode_old_scalar("accuracy", (step + k) / 8))
    if k < 2:
        yield 3, s.encode_summary(hparams.encode_hparams_end(k + 1, START_TIME + k + 60))
    yield _make_end_event(4)
