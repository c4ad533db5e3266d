"""Everything that TensorBoard serves, asked through the proxy."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from builder.smoke.board import Board, beside
from builder.smoke.model import ProbeFailure
from builder.smoke.notebook import WRITTEN
from builder.smoke.probes import data
from builder.smoke.probes.data import difference
from builder.smoke.web import Web, log_in
from builder.today.answers import Ask
from builder.today.endpoints import PREFIX, asks

if TYPE_CHECKING:
    from builder.smoke.probes.data import Large
    from builder.smoke.recorder import Recorder
    from builder.smoke.visit import Visit
    from builder.smoke.writer import Written

_AT_ONCE = 8
# Fonts by root-absolute paths (tensorboard issue 1885): behind a prefix they are 404, and the page
# does without them. It is the one reference of that kind that we know, and leave.
_KNOWN_ABSOLUTE = re.compile(r"/font-roboto/[\w-]+\.woff2")
_ABSOLUTE = re.compile(rb"""(?:\b(?:src|href)=["']?|\burl\(["']?)(/[^/"'()\s>][^"'()\s>]*)""")

_ASSETS = dedent("""\
    import json, os, zipfile, tensorboard

    _path = os.path.join(os.path.dirname(tensorboard.__file__), "webfiles.zip")
    with zipfile.ZipFile(_path) as _zip:
        print(json.dumps([i.filename for i in _zip.infolist() if i.file_size]))""")


def walk(visit: Visit, record: Recorder, board: Board, port: int, large: Large) -> None:
    """The probes of the layer `kernel` that ask TensorBoard.

    Args:
        visit: its cells have run.
        record: the results.
        board: TensorBoard through the proxy.
        port: where it listens, beside Jupyter.
        large: what the large run holds.
    """
    with record.probe("page", vital=True) as told:
        told(_page(visit, board))
    with record.probe("assets") as told:
        told(_assets(visit, board, port))
    data.walk(visit, record, board, large)
    _posts(visit, record, board)
    with record.probe("every-endpoint") as told:
        told(_every_endpoint(visit, board, port))
    with record.probe("several-at-once") as told:
        told(_at_once(visit, board))


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


def _assets(visit: Visit, board: Board, port: int) -> str:
    """Every file that the wheel holds for the page is there, as TensorBoard itself gives it."""
    names = visit.kernel.value(_ASSETS)
    questions = [Ask(f"/{quote(name)}") for name in names]
    answers = _compare(visit, board, port, questions)
    missing = [name for name, answer in zip(names, answers, strict=True) if answer.status != 200]
    if missing or "index.html" not in names:
        raise ProbeFailure(f"{len(missing)} files are not there: {missing[:5]}")
    return f"{len(names)} files, {sum(answer.length for answer in answers):,} bytes"


def _compare(visit: Visit, board: Board, port: int, questions: list[Ask]) -> list[Any]:
    """The answers through the proxy, if they are those that TensorBoard gives beside it."""
    direct = beside(visit, port, questions)
    for ask, here in zip(questions, direct, strict=True):
        there = board.digest(ask)
        if there != here and not (here.status == 0 and there.status >= 500):
            raise ProbeFailure(f"{ask.key} is {here} beside TensorBoard and {there} by the proxy")
    return direct


def _posts(visit: Visit, record: Recorder, board: Board) -> None:
    """The page asks by POST, with cookies and without Jupyter's `_xsrf`: no 403, and data."""
    plugins = board.json("/data/plugins_listing")
    if "timeseries" not in plugins:
        record.skip("post", f"{visit.run.release} has no time series (2.4.0 and later have)")
    else:
        with record.probe("post") as told:
            told(_time_series(visit, board, visit.web))
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
    person = log_in(visit.site, ca_bundle=visit.web.ca_bundle)
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


def _every_endpoint(visit: Visit, board: Board, port: int) -> str:
    """Each data route of each plugin answers through the proxy as it answers beside it."""
    known: dict[str, Any] = {}

    def ask_json(ask: Ask) -> Any:
        if ask.key not in known:
            answer = board.ask(ask)
            is_json = answer.status == 200 and "json" in answer.headers.get("Content-Type", "")
            known[ask.key] = answer.json() if is_json else None
        return known[ask.key]

    # The large answer has a probe of its own.
    questions = [ask for ask in dict.fromkeys(asks(ask_json)) if "run=large&" not in ask.path]
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
        "/data/plugins_listing",
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
