"""Check what TensorBoard serves through the proxy: its page, and the data that were written."""

from __future__ import annotations

import base64
import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from builder.smoke.jupyter.login import log_in
from builder.smoke.jupyter.notebook import WRITTEN_FILENAME
from builder.smoke.model import LOGIN_NEEDED_REASON, ProbeFailure
from builder.tensorboard.endpoints import PLUGIN_PREFIX
from builder.tensorboard.responses import TensorBoardRequest

if TYPE_CHECKING:
    from builder.smoke.jupyter.http_client import JupyterClient
    from builder.smoke.jupyter.notebook_session import NotebookSession
    from builder.smoke.jupyter.tensorboard_client import TensorBoardClient
    from builder.smoke.jupyter.writer import WrittenPoints
    from builder.smoke.results.recorder import ProbeRecorder

# Seconds until TensorBoard must have read the logdir, which it reloads every five.
READ_TIMEOUT = 30.0
_DIFFERENCE_CONTEXT = 40  # characters shown before and after the place of a difference
# Fonts by root-absolute paths (tensorboard issue 1885): behind a prefix they are 404, and the page
# works without them. We know of no other reference of that kind, and do not patch this one.
_KNOWN_ABSOLUTE = re.compile(r"/font-roboto/[\w-]+\.woff2")
_ABSOLUTE = re.compile(rb"""(?:\b(?:src|href)=["']?|\burl\(["']?)(/[^/"'()\s>][^"'()\s>]*)""")


def run_data_probes(
    session: NotebookSession, recorder: ProbeRecorder, tensorboard: TensorBoardClient
) -> None:
    """Run the probes of the layer `kernel` that request TensorBoard's page and its data."""
    if session.site.is_login_needed:
        recorder.skip_probe("page", LOGIN_NEEDED_REASON)
    else:
        with recorder.probe("page", vital=True) as set_detail:
            set_detail(_check_page(session, tensorboard))
    with recorder.probe("data-read", vital=True) as set_detail:
        set_detail(_wait_for_data(session, tensorboard))
    _check_points(session, recorder, tensorboard)
    _check_posts(session, recorder, tensorboard)


def _check_page(session: NotebookSession, tensorboard: TensorBoardClient) -> str:
    """Check that the frame loads TensorBoard's page, and not Jupyter's own inside itself."""
    response = session.client.send_request(tensorboard.address, follow=True).expect_status(200)
    tensorboard.address = response.url
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        raise ProbeFailure(f"the page is {response.headers.get('Content-Type')}")
    if b"<title>TensorBoard</title>" not in response.body:
        raise ProbeFailure(f"the page is not TensorBoard's: {response.text[:200]}")
    absolute = {m.decode() for m in _ABSOLUTE.findall(response.body)}
    unknown = sorted(a for a in absolute if not _KNOWN_ABSOLUTE.fullmatch(a))
    if unknown:
        raise ProbeFailure(f"the page names root-absolute paths, which miss the prefix: {unknown}")
    fonts = f", {len(absolute)} fonts by root-absolute paths" if absolute else ""
    return f"{len(response.body):,} bytes{fonts}"


def _wait_for_data(session: NotebookSession, tensorboard: TensorBoardClient) -> str:
    """Poll until TensorBoard has read all that was written, and lists the plugins for it."""
    written: dict[str, WrittenPoints] = session.read_json(WRITTEN_FILENAME)
    for run, kinds in written.items():
        for kind, series in kinds.items():
            what = f"the {kind} {sorted(series)} of {run}"
            tensorboard.wait_for_json(
                what,
                f"{PLUGIN_PREFIX}{kind}/tags",
                partial(has_tags, run, set(series)),
                READ_TIMEOUT,
            )
            for tag, points in series.items():
                query = urlencode({"run": run, "tag": tag, "sample": 0})
                path = f"{PLUGIN_PREFIX}{kind}/{kind}?{query}"
                what = f"the {len(points)} points of {run}/{tag}"
                tensorboard.wait_for_json(
                    what, path, partial(_has_points, len(points)), READ_TIMEOUT
                )
    plugins = tensorboard.get_json("/data/plugins_listing")
    # Up to 1.14 the listing's values are booleans; later they are objects with a field `enabled`.
    active = {n for n, v in plugins.items() if (v["enabled"] if isinstance(v, dict) else v)}
    if "scalars" not in active:
        raise ProbeFailure(f"the plugins that have data are {sorted(active)}")
    return f"{session.run.shown_tag}; plugins {', '.join(sorted(active))}"


def has_tags(run: str, wanted: set[str], tags: dict[str, Any]) -> bool:
    """Whether a listing has a run with those tags."""
    return wanted <= set(tags.get(run, ()))


def _has_points(count: int, points: list[Any]) -> bool:
    return len(points) >= count


def _check_points(
    session: NotebookSession, recorder: ProbeRecorder, tensorboard: TensorBoardClient
) -> None:
    """Check that scalars, histograms and images are, to the last bit, what was written."""
    written: dict[str, WrittenPoints] = session.read_json(WRITTEN_FILENAME)
    for probe, kind, read in (
        ("scalar-points", "scalars", _read_scalars),
        ("histogram-points", "histograms", _read_histograms),
        ("image-bytes", "images", _read_images),
    ):
        series = [
            (run, tag, points)
            for run, kinds in written.items()
            for tag, points in kinds.get(kind, {}).items()
        ]
        if not series:
            recorder.skip_probe(probe, f"the writer does not tell which {kind} it wrote")
            continue
        with recorder.probe(probe) as set_detail:
            for run, tag, points in series:
                got = read(tensorboard, run, tag)
                if got != points:
                    raise ProbeFailure(f"{kind} {run}/{tag}: {describe_difference(got, points)}")
            set_detail(f"{sum(len(points) for _, _, points in series)} equal")


def _read_scalars(tensorboard: TensorBoardClient, run: str, tag: str) -> list[Any]:
    query = urlencode({"run": run, "tag": tag})
    return [
        [step, value]
        for _, step, value in tensorboard.get_json(f"{PLUGIN_PREFIX}scalars/scalars?{query}")
    ]


def _read_histograms(tensorboard: TensorBoardClient, run: str, tag: str) -> list[Any]:
    query = urlencode({"run": run, "tag": tag})
    rows = tensorboard.get_json(f"{PLUGIN_PREFIX}histograms/histograms?{query}")
    return [[step, buckets] for _, step, buckets in rows]


def _read_images(tensorboard: TensorBoardClient, run: str, tag: str) -> list[Any]:
    query = urlencode({"run": run, "tag": tag, "sample": 0})
    got = []
    for row in tensorboard.get_json(f"{PLUGIN_PREFIX}images/images?{query}"):
        image_query = row["query"] if "query" in row else urlencode({"blob_key": row["blob_key"]})
        response = tensorboard.send_request(
            f"{PLUGIN_PREFIX}images/individualImage?{image_query}"
        ).expect_status(200)
        got.append([row["step"], base64.b64encode(response.body).decode("ascii")])
    return got


def describe_difference(got: list[Any], points: list[Any]) -> str:
    """Describe the first difference between two lists of points, in short."""
    if len(got) != len(points):
        return f"{len(got)} points instead of {len(points)}"
    one, other = next((str(g), str(p)) for g, p in zip(got, points, strict=True) if g != p)
    first = next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    start = max(0, first - _DIFFERENCE_CONTEXT)
    end = start + 2 * _DIFFERENCE_CONTEXT
    return f"{one[start:end]} instead of {other[start:end]}"


def _check_posts(
    session: NotebookSession, recorder: ProbeRecorder, tensorboard: TensorBoardClient
) -> None:
    """Check POSTs as the page sends them: with cookies and without Jupyter's `_xsrf`.

    The response must not be 403, and must have the data.
    """
    plugins = tensorboard.get_json("/data/plugins_listing")
    if "timeseries" not in plugins:
        recorder.skip_probe(
            "post", f"{session.run.wheel.release} has no time series (2.4.0 and later have)"
        )
    else:
        with recorder.probe("post") as set_detail:
            set_detail(_check_time_series(session, tensorboard, session.client))
    if not session.site.has_form:
        recorder.skip_probe(
            "post-without-xsrf", "no form here takes the token, which is spared the check"
        )
        return
    with recorder.probe("post-without-xsrf") as set_detail:
        set_detail(_check_without_xsrf(session, tensorboard, with_data="timeseries" in plugins))


def _check_time_series(
    session: NotebookSession, tensorboard: TensorBoardClient, client: JupyterClient
) -> str:
    tag = session.run.shown_tag
    body = urlencode({"requests": json.dumps([{"plugin": "scalars", "tag": tag}])})
    response = tensorboard.send_request(
        TensorBoardRequest(f"{PLUGIN_PREFIX}timeseries/timeSeries", body), client=client
    ).expect_status(200)
    written: dict[str, WrittenPoints] = session.read_json(WRITTEN_FILENAME)
    for run, kinds in written.items():
        if tag in kinds["scalars"]:
            series = response.parse_json()[0]["runToSeries"][run]
            got = [[point["step"], point["value"]] for point in series]
            if got != kinds["scalars"][tag]:
                raise ProbeFailure(describe_difference(got, kinds["scalars"][tag]))
    return f"timeSeries {response.status}, points equal"


def _check_without_xsrf(
    session: NotebookSession, tensorboard: TensorBoardClient, *, with_data: bool
) -> str:
    """Send a POST as a browser that logged in by the form.

    The control is Jupyter's own API, which refuses such a POST.
    """
    person_client = log_in(session.site)
    try:
        own_status = person_client.send_request("api/sessions", "{}").status
        if own_status != 403:
            raise ProbeFailure(
                f"the control failed: Jupyter's own POST answers {own_status}, not 403"
            )
        if with_data:
            return (
                f"{_check_time_series(session, tensorboard, person_client)}; Jupyter's own POST 403"
            )
        # A route without a POST of its own responds as to a GET, or with 405.
        response = tensorboard.send_request(
            TensorBoardRequest("/data/logdir", ""), client=person_client
        )
        if response.status not in (200, 405):
            raise ProbeFailure(f"POST data/logdir answers {response.status}")
        return f"POST data/logdir {response.status}; Jupyter's own POST 403"
    finally:
        person_client.close()
