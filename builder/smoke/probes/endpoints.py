"""The layer `endpoints`: everything that TensorBoard serves comes through the proxy as it is."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from textwrap import dedent
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from builder.smoke.jupyter.board import STARTS, Board, beside, infos, launch, stop
from builder.smoke.jupyter.frame import one_frame
from builder.smoke.jupyter.notebook import LOGDIR
from builder.smoke.model import ProbeFailure
from builder.smoke.probes.data import READ, has
from builder.tensorboard.answers import Ask
from builder.tensorboard.endpoints import PREFIX, asks

if TYPE_CHECKING:
    from builder.smoke.jupyter.board import Digest
    from builder.smoke.jupyter.visit import Visit
    from builder.smoke.results.recorder import Recorder

_AT_ONCE = 8
# Seconds for which an answer may still change, as threads of the server look at the logdir.
_GROWS, _PAUSE = 3.0, 0.2
# Of the large answer: bytes that it must have, and seconds until it must be there.
_LARGE, _LARGE_SECONDS = 10_000_000, 60.0
_STEPS, _BUCKETS = 9, 20_000
_LARGE_LOGDIR = f"{LOGDIR}-large"
_LARGE_PATH = f"{PREFIX}histograms/histograms?run=large&tag=wide"
_ASSETS = dedent("""\
    import json, os, zipfile, tensorboard

    _path = os.path.join(os.path.dirname(tensorboard.__file__), "webfiles.zip")
    with zipfile.ZipFile(_path) as _zip:
        print(json.dumps([i.filename for i in _zip.infolist() if i.file_size]))""")

_WRITE_LARGE = dedent(f"""\
    import json, random
    from builder.smoke.jupyter.writer import Log

    _random = random.Random(7)
    _edges = sorted(_random.uniform(-1e3, 1e3) for _ in range(BUCKETS + 1))
    with Log("{_LARGE_LOGDIR}/large") as _log:
        for _step in range(STEPS):
            _log.histogram("wide", _step, _edges, [_random.random() for _ in _edges[1:]])
        _log.scalar("written", STEPS, 1.0)
    print(json.dumps(_log.written["histograms"]["wide"][-1][1][-1]))""")

# By this the proxy hands packed answers on as they are.
_PACKED = "decompress_response=False"


def walk(visit: Visit, record: Recorder) -> None:
    """The layer `endpoints`."""
    with record.layer("endpoints"):
        with record.probe("endpoints-prepared", vital=True) as told:
            visit.prepare()
            frame = one_frame(visit.kernel.run(visit.run.show, timeout=STARTS), visit.page)
            port = infos(visit.kernel)[-1].port
            board = Board(
                visit.web,
                visit.web.ask(visit.site.behind(frame.address), follow=True).expect(200).url,
            )
            told(f"port {port}")
        with record.probe("assets") as told:
            told(_assets(visit, board, port))
        with record.probe("every-endpoint") as told:
            told(_every_endpoint(visit, board, port))
        with record.probe("several-at-once") as told:
            told(_at_once(visit, board))
        _large(visit, record)


def _assets(visit: Visit, board: Board, port: int) -> str:
    """Every file that the wheel holds for the page is there, as TensorBoard itself gives it."""
    names = visit.kernel.value(_ASSETS)
    questions = [Ask(f"/{quote(name)}") for name in names]
    answers = _compare(visit, board, port, questions)
    missing = [name for name, answer in zip(names, answers, strict=True) if answer.status != 200]
    if missing or "index.html" not in names:
        raise ProbeFailure(f"{len(missing)} files are not there: {missing[:5]}")
    return f"{len(names)} files, {sum(answer.length for answer in answers):,} bytes"


def _compare(visit: Visit, board: Board, port: int, questions: list[Ask]) -> list[Digest]:
    """The answers through the proxy, if they are those that TensorBoard gives beside it."""
    direct = beside(visit, port, questions)
    for ask, first in zip(questions, direct, strict=True):
        here, deadline = first, time.monotonic() + _GROWS
        while not _is_same(here, there := board.digest(ask)):
            if time.monotonic() > deadline:
                raise ProbeFailure(f"{ask.key} is {here} beside TensorBoard, {there} by the proxy")
            time.sleep(_PAUSE)
            (here,) = beside(visit, port, [ask])
    return direct


def _is_same(here: Digest, there: Digest) -> bool:
    """Where TensorBoard breaks the connection off, the proxy says so by a status."""
    return there == here or (here.status == 0 and there.status >= 500)


def _every_endpoint(visit: Visit, board: Board, port: int) -> str:
    """Each data route of each plugin answers through the proxy as it answers beside it."""
    known: dict[str, Any] = {}

    def ask_json(ask: Ask) -> Any:
        if ask.key not in known:
            answer = board.ask(ask)
            is_json = answer.status == 200 and "json" in answer.headers.get("Content-Type", "")
            known[ask.key] = answer.json() if is_json else None
        return known[ask.key]

    questions = list(dict.fromkeys(asks(ask_json)))
    answers = _compare(visit, board, port, questions)
    good = sum(answer.status == 200 for answer in answers)
    if not good:
        raise ProbeFailure(f"none of {len(questions)} routes answers 200")
    return f"{len(questions)} the same, {good} of them 200"


def _at_once(visit: Visit, board: Board) -> str:
    """As many at once as a browser asks, each on a way of its own; all answers as alone."""
    query = urlencode({"run": "train", "tag": visit.run.shown_tag})
    paths = [
        "/",
        "/data/runs",
        f"{PREFIX}scalars/tags",
        f"{PREFIX}scalars/scalars?{query}",
    ]
    alone = [board.digest(Ask(path)) for path in paths]

    def ask(_: int) -> list[str]:
        web = visit.web.again()
        try:
            own = Board(web, board.address)
            return [p for p, a in zip(paths, alone, strict=True) if own.digest(Ask(p)) != a]
        finally:
            web.close()

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        wrong = [path for paths in pool.map(ask, range(_AT_ONCE)) for path in paths]
    if wrong:
        raise ProbeFailure(f"{len(wrong)} of {_AT_ONCE * len(paths)} answers differ: {wrong[:4]}")
    return f"{_AT_ONCE * len(paths)} requests by {_AT_ONCE}"


def _large(visit: Visit, record: Recorder) -> None:
    """More than ten megabytes arrive whole, plain and compressed; by a TensorBoard of their own."""
    with record.probe("large-started", vital=True) as told:
        code = _WRITE_LARGE.replace("STEPS", str(_STEPS)).replace("BUCKETS", str(_BUCKETS))
        last = visit.kernel.value(code)
        done, info = launch(visit, f"--logdir {_LARGE_LOGDIR}")
        frame = one_frame(done, visit.page)
        # A Hub may redirect the frame; what the page asks for is relative to where it ends up.
        address = visit.web.ask(visit.site.behind(frame.address), follow=True).expect(200).url
        told(f"{_STEPS} histograms of {_BUCKETS:,} buckets")
    try:
        board = Board(visit.web, address)
        whole = _large_response(record, board, last)
        if visit.proxy_says(_PACKED):
            _gzip(record, board, whole)
        else:
            record.skip("gzip", "jupyter-server-proxy before 3.2 unpacks what comes packed")
    finally:
        stop(visit, info)


def _large_response(record: Recorder, board: Board, last: list[float]) -> list[bytes]:
    """The large answer's body, if it is what was written."""
    whole: list[bytes] = []
    with record.probe("large-response") as told:
        # What was written last tells that all of it has been read.
        tags = f"{PREFIX}scalars/tags"
        board.wait("the large run's end", tags, partial(has, "large", {"written"}), READ)
        plain = board.ask(_LARGE_PATH, timeout=_LARGE_SECONDS).expect(200)
        rows = plain.json()
        sizes = [len(row[2]) for row in rows]
        if sizes != [_BUCKETS] * _STEPS or rows[-1][2][-1] != last:
            raise ProbeFailure(f"{len(plain.body):,} bytes, {sizes} buckets: not what was written")
        if len(plain.body) < _LARGE:
            raise ProbeFailure(f"{len(plain.body):,} bytes are not large enough to tell")
        whole.append(plain.body)
        told(f"{len(plain.body):,} bytes in {plain.seconds:.1f} s")
    return whole


def _gzip(record: Recorder, board: Board, whole: list[bytes]) -> None:
    """The same, packed, for those who ask for it."""
    with record.probe("gzip") as told:
        small = board.ask(_LARGE_PATH, encoding="gzip", timeout=_LARGE_SECONDS).expect(200)
        if small.headers.get("Content-Encoding") != "gzip":
            raise ProbeFailure(f"it comes as {small.headers.get('Content-Encoding')}")
        if whole != [small.body]:
            raise ProbeFailure(f"{len(small.body):,} bytes, and not those that came uncompressed")
        told(f"{int(small.headers.get('Content-Length', 0)):,} bytes in {small.seconds:.1f} s")
