"""What TensorBoard shows through the proxy is its page, with the data that were written."""

from __future__ import annotations

import base64
import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from builder.smoke.jupyter.login import log_in
from builder.smoke.jupyter.notebook import WRITTEN
from builder.smoke.model import NEEDS_LOGIN, ProbeFailure
from builder.tensorboard.answers import Ask
from builder.tensorboard.endpoints import PREFIX

if TYPE_CHECKING:
    from builder.smoke.jupyter.board import Board
    from builder.smoke.jupyter.visit import Visit
    from builder.smoke.jupyter.web import Web
    from builder.smoke.jupyter.writer import Written
    from builder.smoke.results.recorder import Recorder

# Seconds until TensorBoard must have read the logdir, which it looks at every five.
READ = 30.0
_AROUND = 40  # characters of a difference, before and after
# Fonts by root-absolute paths (tensorboard issue 1885): behind a prefix they are 404, and the page
# does without them. It is the one reference of that kind that we know, and leave.
_KNOWN_ABSOLUTE = re.compile(r"/font-roboto/[\w-]+\.woff2")
_ABSOLUTE = re.compile(rb"""(?:\b(?:src|href)=["']?|\burl\(["']?)(/[^/"'()\s>][^"'()\s>]*)""")


def walk(visit: Visit, record: Recorder, board: Board) -> None:
    """The probes of the layer `kernel` that ask TensorBoard for its page and its data."""
    if visit.site.needs_login:
        record.skip("page", NEEDS_LOGIN)
    else:
        with record.probe("page", vital=True) as told:
            told(_page(visit, board))
    with record.probe("data-read", vital=True) as told:
        told(_read(visit, board))
    _points(visit, record, board)
    _posts(visit, record, board)


def _page(visit: Visit, board: Board) -> str:
    """TensorBoard's page, and not Jupyter's own inside itself."""
    answer = visit.web.ask(board.address, follow=True).expect(200)
    board.address = answer.url
    if not answer.headers.get("Content-Type", "").startswith("text/html"):
        raise ProbeFailure(f"the page is {answer.headers.get('Content-Type')}")
    if b"<title>TensorBoard</title>" not in answer.body:
        raise ProbeFailure(f"the page is not TensorBoard's: {answer.text[:200]}")
    absolute = {m.decode() for m in _ABSOLUTE.findall(answer.body)}
    unknown = sorted(a for a in absolute if not _KNOWN_ABSOLUTE.fullmatch(a))
    if unknown:
        raise ProbeFailure(f"the page names root-absolute paths, which miss the prefix: {unknown}")
    fonts = f", {len(absolute)} fonts by root-absolute paths" if absolute else ""
    return f"{len(answer.body):,} bytes{fonts}"


def _read(visit: Visit, board: Board) -> str:
    """Poll until TensorBoard has read all that was written, and lists the plugins for it."""
    written: dict[str, Written] = visit.read(WRITTEN)
    for run, kinds in written.items():
        for kind, series in kinds.items():
            what = f"the {kind} {sorted(series)} of {run}"
            board.wait(what, f"{PREFIX}{kind}/tags", partial(has, run, set(series)), READ)
            for tag, points in series.items():
                path = f"{PREFIX}{kind}/{kind}?{urlencode({'run': run, 'tag': tag, 'sample': 0})}"
                what = f"the {len(points)} points of {run}/{tag}"
                board.wait(what, path, partial(_as_many, len(points)), READ)
    plugins = board.json("/data/plugins_listing")
    # Up to 1.14 the listing says true or false, from then on an object that has it in `enabled`.
    active = {n for n, v in plugins.items() if (v["enabled"] if isinstance(v, dict) else v)}
    if "scalars" not in active:
        raise ProbeFailure(f"the plugins that have data are {sorted(active)}")
    return f"{visit.run.shown_tag}; plugins {', '.join(sorted(active))}"


def has(run: str, wanted: set[str], tags: dict[str, Any]) -> bool:
    """Whether a listing has a run with those tags."""
    return wanted <= set(tags.get(run, ()))


def _as_many(count: int, points: list[Any]) -> bool:
    return len(points) >= count


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
    one, other = next((str(g), str(p)) for g, p in zip(got, points, strict=True) if g != p)
    same = next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    start = max(0, same - _AROUND)
    end = start + 2 * _AROUND
    return f"{one[start:end]} instead of {other[start:end]}"


def _posts(visit: Visit, record: Recorder, board: Board) -> None:
    """The page asks by POST, with cookies and without Jupyter's `_xsrf`: no 403, and data."""
    plugins = board.json("/data/plugins_listing")
    if "timeseries" not in plugins:
        record.skip("post", f"{visit.run.release} has no time series (2.4.0 and later have)")
    else:
        with record.probe("post") as told:
            told(_time_series(visit, board, visit.web))
    if not visit.site.has_form:
        record.skip("post-without-xsrf", "no form here takes the token, which is spared the check")
        return
    with record.probe("post-without-xsrf") as told:
        told(_without_xsrf(visit, board, with_data="timeseries" in plugins))


def _time_series(visit: Visit, board: Board, web: Web) -> str:
    tag = visit.run.shown_tag
    body = urlencode({"requests": json.dumps([{"plugin": "scalars", "tag": tag}])})
    answer = board.ask(Ask(f"{PREFIX}timeseries/timeSeries", body), web=web).expect(200)
    written: dict[str, Written] = visit.read(WRITTEN)
    for run, kinds in written.items():
        if tag in kinds["scalars"]:
            series = answer.json()[0]["runToSeries"][run]
            got = [[point["step"], point["value"]] for point in series]
            if got != kinds["scalars"][tag]:
                raise ProbeFailure(difference(got, kinds["scalars"][tag]))
    return f"timeSeries {answer.status}, points equal"


def _without_xsrf(visit: Visit, board: Board, *, with_data: bool) -> str:
    """As a browser that logged in by the form; the control is Jupyter's own API, which refuses."""
    person = log_in(visit.site)
    try:
        own = person.ask("api/sessions", "{}").status
        if own != 403:
            raise ProbeFailure(f"the control failed: Jupyter's own POST answers {own}, not 403")
        if with_data:
            return f"{_time_series(visit, board, person)}; Jupyter's own POST 403"
        # What has no POST of its own answers it as it answers GET, or with 405.
        answer = board.ask(Ask("/data/logdir", ""), web=person)
        if answer.status not in (200, 405):
            raise ProbeFailure(f"POST data/logdir answers {answer.status}")
        return f"POST data/logdir {answer.status}; Jupyter's own POST 403"
    finally:
        person.close()
