"""What TensorBoard says of its data, through the proxy, is to the last bit what was written."""

from __future__ import annotations

import base64
from functools import partial
from textwrap import dedent
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from builder.smoke.model import ProbeFailure
from builder.smoke.notebook import LOGDIR, WRITTEN
from builder.today.endpoints import PREFIX

if TYPE_CHECKING:
    from builder.smoke.board import Board
    from builder.smoke.recorder import Recorder
    from builder.smoke.visit import Visit
    from builder.smoke.writer import Written

# Seconds until TensorBoard must have read the logdir, which it looks at every five.
_READ = 30.0
# Of the large answer: bytes that it must have, and seconds until it must be there.
_LARGE, _LARGE_SECONDS = 10_000_000, 60.0
_STEPS, _BUCKETS = 9, 20_000

_WRITE_LARGE = dedent(f"""\
    import json, random
    from builder.smoke.writer import Log

    _random = random.Random(7)
    _edges = sorted(_random.uniform(-1e3, 1e3) for _ in range(BUCKETS + 1))
    with Log("{LOGDIR}/large") as _log:
        for _step in range(STEPS):
            _log.histogram("wide", _step, _edges, [_random.random() for _ in _edges[1:]])
    print(json.dumps(_log.written["histograms"]["wide"][-1][1][-1]))""")


class Large(NamedTuple):
    """The large run: steps, buckets of each, and the last bucket written."""

    steps: int
    buckets: int
    last: list[float]


def write_large(visit: Visit) -> Large:
    """Write a run whose histograms make a large answer, before TensorBoard reads the logdir.

    Raises:
        ProbeFailure: the kernel cannot.
    """
    code = _WRITE_LARGE.replace("STEPS", str(_STEPS)).replace("BUCKETS", str(_BUCKETS))
    return Large(_STEPS, _BUCKETS, visit.kernel.value(code))


def walk(visit: Visit, record: Recorder, board: Board, large: Large) -> None:
    """The probes of the layer `kernel` that compare data."""
    with record.probe("data-read", vital=True) as told:
        told(_read(visit, board))
    _points(visit, record, board)
    _large(record, board, large)


def _read(visit: Visit, board: Board) -> str:
    """Poll until TensorBoard has read what was written, and lists the plugins for it."""
    written: dict[str, Written] = visit.read(WRITTEN)
    run, kinds = next(iter(written.items()))
    for kind in ("scalars", "histograms", "images"):
        wanted = set(kinds.get(kind, ()))
        board.wait(
            f"{kind} {sorted(wanted)}",
            f"{PREFIX}{kind}/tags",
            partial(_has, run, wanted),
            _READ,
        )
    tag, points = visit.run.shown_tag, kinds["scalars"][visit.run.shown_tag]
    path = f"{PREFIX}scalars/scalars?{urlencode({'run': run, 'tag': tag})}"
    board.wait(f"{len(points)} points", path, lambda got: len(got) >= len(points), _READ)
    plugins = board.json("/data/plugins_listing")
    # Up to 1.14 the listing says true or false, from then on an object that has it in `enabled`.
    active = {n for n, v in plugins.items() if (v["enabled"] if isinstance(v, dict) else v)}
    if "scalars" not in active:
        raise ProbeFailure(f"the plugins that have data are {sorted(active)}")
    return f"{visit.run.shown_tag}; plugins {', '.join(sorted(active))}"


def _points(visit: Visit, record: Recorder, board: Board) -> None:
    """Scalars, histograms and images are to the last bit what was written."""
    written: dict[str, Written] = visit.read(WRITTEN)
    for probe, kind, read in (
        ("scalar-points", "scalars", _scalars),
        ("histogram-points", "histograms", _histograms),
        ("image-bytes", "images", _images),
    ):
        series = [
            (run, tag, points)
            for run, kinds in written.items()
            for tag, points in kinds.get(kind, {}).items()
        ]
        if not series:
            record.skip(probe, f"the writer does not tell which {kind} it wrote")
            continue
        with record.probe(probe) as told:
            for run, tag, points in series:
                got = read(board, run, tag)
                if got != points:
                    raise ProbeFailure(f"{kind} {run}/{tag}: {difference(got, points)}")
            told(f"{sum(len(points) for _, _, points in series)} equal")


def _scalars(board: Board, run: str, tag: str) -> list[Any]:
    query = urlencode({"run": run, "tag": tag})
    return [[step, value] for _, step, value in board.json(f"{PREFIX}scalars/scalars?{query}")]


def _histograms(board: Board, run: str, tag: str) -> list[Any]:
    query = urlencode({"run": run, "tag": tag})
    rows = board.json(f"{PREFIX}histograms/histograms?{query}")
    return [[step, buckets] for _, step, buckets in rows]


def _images(board: Board, run: str, tag: str) -> list[Any]:
    query = urlencode({"run": run, "tag": tag, "sample": 0})
    got = []
    for row in board.json(f"{PREFIX}images/images?{query}"):
        which = row["query"] if "query" in row else urlencode({"blob_key": row["blob_key"]})
        answer = board.ask(f"{PREFIX}images/individualImage?{which}").expect(200)
        got.append([row["step"], base64.b64encode(answer.body).decode("ascii")])
    return got


def difference(got: list[Any], points: list[Any]) -> str:
    """How they differ, in short."""
    if len(got) != len(points):
        return f"{len(got)} points instead of {len(points)}"
    first = next((g, p) for g, p in zip(got, points, strict=True) if g != p)
    return f"{str(first[0])[:200]} instead of {str(first[1])[:200]}"


def _has(run: str, wanted: set[str], tags: dict[str, Any]) -> bool:
    """Whether a listing has a run with those tags."""
    return wanted <= set(tags.get(run, ()))


def _large(record: Recorder, board: Board, large: Large) -> None:
    """More than ten megabytes arrive whole, plain and compressed."""
    query = urlencode({"run": "large", "tag": "wide"})
    path = f"{PREFIX}histograms/histograms?{query}"
    whole: list[bytes] = []
    with record.probe("large-response") as told:
        tags = f"{PREFIX}histograms/tags"
        board.wait("the large run", tags, partial(_has, "large", {"wide"}), _READ)
        plain = board.ask(path, timeout=_LARGE_SECONDS).expect(200)
        rows = plain.json()
        sizes = [len(row[2]) for row in rows]
        if sizes != [large.buckets] * large.steps or rows[-1][2][-1] != large.last:
            raise ProbeFailure(
                f"{len(plain.body):,} bytes with {sizes} buckets: not what was written"
            )
        if len(plain.body) < _LARGE:
            raise ProbeFailure(f"{len(plain.body):,} bytes are not large enough to tell")
        whole.append(plain.body)
        told(f"{len(plain.body):,} bytes in {plain.seconds:.1f} s")
    with record.probe("gzip") as told:
        small = board.ask(path, encoding="gzip", timeout=_LARGE_SECONDS).expect(200)
        if small.headers.get("Content-Encoding") != "gzip":
            raise ProbeFailure(f"it comes as {small.headers.get('Content-Encoding')}")
        if whole != [small.body]:
            raise ProbeFailure(f"{len(small.body):,} bytes, and not those that came uncompressed")
        told(f"{int(small.headers.get('Content-Length', 0)):,} bytes in {small.seconds:.1f} s")
