"""The layer `endpoints`: the proxy passes on unchanged everything that TensorBoard serves."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from textwrap import dedent
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from builder.smoke.jupyter.frame import expect_one_frame
from builder.smoke.jupyter.notebook import LOGDIR
from builder.smoke.jupyter.tensorboard_client import (
    TENSORBOARD_START_TIMEOUT,
    TensorBoardClient,
    launch_tensorboard,
    read_info_files,
    request_from_kernel,
    stop_tensorboard,
)
from builder.smoke.model import ProbeFailure
from builder.smoke.probes.data import READ_TIMEOUT, has_tags
from builder.tensorboard.endpoints import PLUGIN_PREFIX, iter_requests
from builder.tensorboard.responses import TensorBoardRequest

if TYPE_CHECKING:
    from builder.smoke.jupyter.notebook_session import NotebookSession
    from builder.smoke.jupyter.tensorboard_client import ResponseDigest
    from builder.smoke.results.recorder import ProbeRecorder

_AT_ONCE = 8
# Seconds: how long a response may still change, as threads of the server read the logdir, and
# between two requests.
_GROWTH_SECONDS, _POLL_INTERVAL = 3.0, 0.2
# The large response: bytes that it must have, and seconds until it must be there.
_LARGE_BYTES, _LARGE_TIMEOUT = 10_000_000, 60.0
_STEPS, _BUCKETS = 9, 20_000
_LARGE_LOGDIR = f"{LOGDIR}-large"
_LARGE_PATH = f"{PLUGIN_PREFIX}histograms/histograms?run=large&tag=wide"
_LIST_ASSETS = dedent("""\
    import json, os, zipfile, tensorboard

    _path = os.path.join(os.path.dirname(tensorboard.__file__), "webfiles.zip")
    with zipfile.ZipFile(_path) as _zip:
        print(json.dumps([i.filename for i in _zip.infolist() if i.file_size]))""")

_WRITE_LARGE = dedent(f"""\
    import json, random
    from builder.smoke.jupyter.writer import EventFileWriter

    _random = random.Random(7)
    _edges = sorted(_random.uniform(-1e3, 1e3) for _ in range(BUCKETS + 1))
    with EventFileWriter("{_LARGE_LOGDIR}/large") as _log:
        for _step in range(STEPS):
            _log.write_histogram("wide", _step, _edges, [_random.random() for _ in _edges[1:]])
        _log.write_scalar("written", STEPS, 1.0)
    print(json.dumps(_log.written["histograms"]["wide"][-1][1][-1]))""")

# jupyter-server-proxy whose source has this passes compressed responses on as they are.
_PACKED = "decompress_response=False"


def run_endpoint_probes(session: NotebookSession, recorder: ProbeRecorder) -> None:
    """Run the probes of the layer `endpoints`."""
    with recorder.layer("endpoints"):
        with recorder.probe("endpoints-prepared", vital=True) as set_detail:
            session.run_setup_cells()
            frame = expect_one_frame(
                session.kernel.run_cell(session.run.show_cell, timeout=TENSORBOARD_START_TIMEOUT),
                session.page_url,
            )
            port = read_info_files(session.kernel)[-1].port
            tensorboard = TensorBoardClient(
                session.client,
                session.client.send_request(session.site.to_direct_url(frame.address), follow=True)
                .expect_status(200)
                .url,
            )
            set_detail(f"port {port}")
        with recorder.probe("assets") as set_detail:
            set_detail(_check_assets(session, tensorboard, port))
        with recorder.probe("every-endpoint") as set_detail:
            set_detail(_check_every_endpoint(session, tensorboard, port))
        with recorder.probe("several-at-once") as set_detail:
            set_detail(_check_parallel_requests(session, tensorboard))
        _run_large_probes(session, recorder)


def _check_assets(session: NotebookSession, tensorboard: TensorBoardClient, port: int) -> str:
    """Check that the page's files in the wheel are all served, as by TensorBoard itself."""
    names = session.kernel.evaluate_json(_LIST_ASSETS)
    asset_requests = [TensorBoardRequest(f"/{quote(name)}") for name in names]
    responses = _compare_with_direct(session, tensorboard, port, asset_requests)
    missing = [
        name for name, response in zip(names, responses, strict=True) if response.status != 200
    ]
    if missing or "index.html" not in names:
        raise ProbeFailure(f"{len(missing)} files are not there: {missing[:5]}")
    return f"{len(names)} files, {sum(response.length for response in responses):,} bytes"


def _compare_with_direct(
    session: NotebookSession,
    tensorboard: TensorBoardClient,
    port: int,
    questions: list[TensorBoardRequest],
) -> list[ResponseDigest]:
    """Compare the responses through the proxy with those that the kernel gets directly.

    Returns:
        The direct responses.

    Raises:
        ProbeFailure: a response still differs after `_GROWTH_SECONDS` seconds.
    """
    direct = request_from_kernel(session, port, questions)
    for request, first in zip(questions, direct, strict=True):
        direct_digest, deadline = first, time.monotonic() + _GROWTH_SECONDS
        while not _is_same(direct_digest, proxied_digest := tensorboard.get_digest(request)):
            if time.monotonic() > deadline:
                raise ProbeFailure(
                    f"{request.key} is {direct_digest} beside TensorBoard, "
                    f"{proxied_digest} by the proxy"
                )
            time.sleep(_POLL_INTERVAL)
            (direct_digest,) = request_from_kernel(session, port, [request])
    return direct


def _is_same(direct: ResponseDigest, proxied: ResponseDigest) -> bool:
    """Whether a direct response and a proxied one are the same.

    Where TensorBoard drops the connection, the proxy responds with a 5xx.
    """
    return proxied == direct or (direct.status == 0 and proxied.status >= 500)


def _check_every_endpoint(
    session: NotebookSession, tensorboard: TensorBoardClient, port: int
) -> str:
    """Check that each data route of each plugin responds through the proxy as directly."""
    known: dict[str, Any] = {}

    def fetch_json(request: TensorBoardRequest) -> Any:
        if request.key not in known:
            response = tensorboard.send_request(request)
            is_json = response.status == 200 and "json" in response.headers.get("Content-Type", "")
            known[request.key] = response.parse_json() if is_json else None
        return known[request.key]

    endpoint_requests = list(dict.fromkeys(iter_requests(fetch_json)))
    responses = _compare_with_direct(session, tensorboard, port, endpoint_requests)
    good = sum(response.status == 200 for response in responses)
    if not good:
        raise ProbeFailure(f"none of {len(endpoint_requests)} routes answers 200")
    return f"{len(endpoint_requests)} the same, {good} of them 200"


def _check_parallel_requests(session: NotebookSession, tensorboard: TensorBoardClient) -> str:
    """Send as many requests at once as a browser does, each client on its own connection.

    All responses must equal those to one request at a time.
    """
    query = urlencode({"run": "train", "tag": session.run.shown_tag})
    paths = [
        "/",
        "/data/runs",
        f"{PLUGIN_PREFIX}scalars/tags",
        f"{PLUGIN_PREFIX}scalars/scalars?{query}",
    ]
    alone = [tensorboard.get_digest(TensorBoardRequest(path)) for path in paths]

    def request_all(_: int) -> list[str]:
        client = session.client.clone()
        try:
            own = TensorBoardClient(client, tensorboard.address)
            return [
                p
                for p, a in zip(paths, alone, strict=True)
                if own.get_digest(TensorBoardRequest(p)) != a
            ]
        finally:
            client.close()

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        wrong = [path for paths in pool.map(request_all, range(_AT_ONCE)) for path in paths]
    if wrong:
        raise ProbeFailure(f"{len(wrong)} of {_AT_ONCE * len(paths)} answers differ: {wrong[:4]}")
    return f"{_AT_ONCE * len(paths)} requests by {_AT_ONCE}"


def _run_large_probes(session: NotebookSession, recorder: ProbeRecorder) -> None:
    """Check that more than ten megabytes arrive whole, plain and compressed.

    A TensorBoard of their own serves them.
    """
    with recorder.probe("large-started", vital=True) as set_detail:
        code = _WRITE_LARGE.replace("STEPS", str(_STEPS)).replace("BUCKETS", str(_BUCKETS))
        last = session.kernel.evaluate_json(code)
        execution, info = launch_tensorboard(session, f"--logdir {_LARGE_LOGDIR}")
        frame = expect_one_frame(execution, session.page_url)
        # A Hub may redirect the frame; the page's requests are relative to its final address.
        address = (
            session.client.send_request(session.site.to_direct_url(frame.address), follow=True)
            .expect_status(200)
            .url
        )
        set_detail(f"{_STEPS} histograms of {_BUCKETS:,} buckets")
    try:
        tensorboard = TensorBoardClient(session.client, address)
        whole = _check_large_response(recorder, tensorboard, last)
        if session.has_proxy_words(_PACKED):
            _check_gzip(recorder, tensorboard, whole)
        else:
            recorder.skip_probe("gzip", "jupyter-server-proxy before 3.2 unpacks what comes packed")
    finally:
        stop_tensorboard(session, info)


def _check_large_response(
    recorder: ProbeRecorder, tensorboard: TensorBoardClient, last: list[float]
) -> list[bytes]:
    """Check that the large response is what was written.

    Returns:
        Its body as the only element; nothing if the probe failed.
    """
    whole: list[bytes] = []
    with recorder.probe("large-response") as set_detail:
        # This tag was written last: when it is listed, everything has been read.
        tags = f"{PLUGIN_PREFIX}scalars/tags"
        tensorboard.wait_for_json(
            "the large run's end", tags, partial(has_tags, "large", {"written"}), READ_TIMEOUT
        )
        plain = tensorboard.send_request(_LARGE_PATH, timeout=_LARGE_TIMEOUT).expect_status(200)
        rows = plain.parse_json()
        sizes = [len(row[2]) for row in rows]
        if sizes != [_BUCKETS] * _STEPS or rows[-1][2][-1] != last:
            raise ProbeFailure(f"{len(plain.body):,} bytes, {sizes} buckets: not what was written")
        if len(plain.body) < _LARGE_BYTES:
            raise ProbeFailure(f"{len(plain.body):,} bytes are not large enough to tell")
        whole.append(plain.body)
        set_detail(f"{len(plain.body):,} bytes in {plain.seconds:.1f} s")
    return whole


def _check_gzip(
    recorder: ProbeRecorder, tensorboard: TensorBoardClient, whole: list[bytes]
) -> None:
    """Check that the same response comes compressed to clients that ask for gzip."""
    with recorder.probe("gzip") as set_detail:
        small = tensorboard.send_request(
            _LARGE_PATH, encoding="gzip", timeout=_LARGE_TIMEOUT
        ).expect_status(200)
        if small.headers.get("Content-Encoding") != "gzip":
            raise ProbeFailure(f"it comes as {small.headers.get('Content-Encoding')}")
        if whole != [small.body]:
            raise ProbeFailure(f"{len(small.body):,} bytes, and not those that came uncompressed")
        set_detail(
            f"{int(small.headers.get('Content-Length', 0)):,} bytes in {small.seconds:.1f} s"
        )
