"""Every data route of every plugin that a tensorboard wheel ever shipped, and what to request.

The routes are those that the wheels' own `get_plugin_apps` name (a test reads them out of all
wheels). A route that a release does not have responds with 404, in its own era as today.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from builder.tensorboard.responses import Json, TensorBoardRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PLUGIN_PREFIX = "/data/plugin/"

# Requested without parameters: routes that list something, and all routes of plugins that have no
# data in the logdir. Routes that need parameters are requested with them below; without them, many
# respond with 500 in their own era.
PLUGIN_ROUTES: Mapping[str, tuple[str, ...]] = {
    "scalars": ("tags",),
    "histograms": ("tags",),
    "distributions": ("tags",),
    "images": ("tags",),
    "audio": ("tags",),
    "text": ("tags",),
    "text_v2": ("tags",),
    "pr_curves": ("tags",),
    "mesh": ("tags",),
    "custom_scalars": ("layout",),
    "graphs": ("info", "graph", "run_metadata"),
    "projector": (
        *("runs", "info", "metadata", "tensor", "bookmarks", "sprite_image"),
        *("index.js", "projector_binary.html", "projector_binary.js"),
    ),
    "timeseries": ("tags", "timeSeries"),
    "npmi": ("tags", "annotations", "metrics", "values", "embeddings"),
    "profile": ("tools", "hosts", "data"),
    "debugger-v2": (
        *("runs", "alerts", "execution/digests", "execution/data", "graph_execution/digests"),
        *("graph_execution/data", "graphs/graph_info", "graphs/op_info", "source_files/list"),
        *("source_files/file", "stack_frames/stack_frames"),
    ),
    "debugger": (
        *("health_pills", "numerics_alert_report", "debugger_graph", "debugger_grpc_host_port"),
        *("source_code", "tensor_data"),
    ),
    "beholder": ("is-active", "ping", "section-info"),
    "whatif": (
        *("infer", "eligible_features", "sort_eligible_features", "infer_mutants", "sprite"),
        "examples_from_path",
    ),
}

# Routes that are never requested, and why.
SKIPPED_ROUTES: Mapping[str, str] = {
    "beholder/beholder-frame": "a video that never ends",
    "beholder/change-config": "writes into the logdir",
    "debugger/ack": "changes the state of a debugging session",
    "debugger/comm": "waits for a debugged program",
    "debugger/gated_grpc": "changes the state of a debugging session",
    "profile/capture_profile": "connects to a profiler service",
    "whatif/delete_example": "changes the examples on the server",
    "whatif/duplicate_example": "changes the examples on the server",
    "whatif/update_example": "changes the examples on the server",
}

_CORE_PATHS = (
    *("/", "/index.html", "/index.js", "/favicon.ico", "/icon_bundle.svg"),
    *("/data/environment", "/data/logdir", "/data/runs", "/data/experiments"),
    *("/data/experiment_runs", "/data/window_properties", "/data/notifications"),
    "/data/plugin_entry.html?name=projector",
    "/data/no/such/route",
)
# Their responses grow while threads of the server read the logdir (`builder.today.collector`).
EVENTUAL_PATHS = ("/data/plugins_listing", "/data/plugin/text/tags", "/data/plugin/text_v2/tags")

# Sends a request and returns the response's JSON, or None where it has none.
FetchJson = Callable[[TensorBoardRequest], Json]


def iter_requests(fetch_json: FetchJson) -> Iterator[TensorBoardRequest]:
    """Yield all requests to make.

    Args:
        fetch_json: sends a request, to find runs, tags and blobs. A request that is also yielded
            here must get the same response there.
    """
    for path in _CORE_PATHS:
        yield TensorBoardRequest(path)
    for plugin, routes in PLUGIN_ROUTES.items():
        for route in routes:
            yield TensorBoardRequest(f"{PLUGIN_PREFIX}{plugin}/{route}")
    for plugin in ("scalars", "histograms", "distributions", "text", "pr_curves"):
        route = {"distributions": "distributions"}.get(plugin, plugin)
        for run, tag in _list_tags(fetch_json, plugin):
            yield _make_get_request(plugin, route, run=run, tag=tag)
    yield from _iter_scalar_requests(fetch_json)
    yield from _iter_blob_requests(fetch_json, "images", "images", "individualImage")
    yield from _iter_blob_requests(fetch_json, "audio", "audio", "individualAudio")
    yield from _iter_mesh_requests(fetch_json)
    yield from _iter_graph_requests()
    yield from _iter_layout_requests()
    yield from _iter_hparams_requests(fetch_json)
    yield from _iter_projector_requests()
    yield from _iter_timeseries_requests(fetch_json)
    yield from _iter_other_requests(fetch_json)


def _make_get_request(plugin: str, route: str, **query: str | int) -> TensorBoardRequest:
    return TensorBoardRequest(
        f"{PLUGIN_PREFIX}{plugin}/{route}?{urlencode(query, quote_via=quote)}"
    )


def _has_plugin(fetch_json: FetchJson, plugin: str) -> bool:
    """Whether a plugin is there: a POST to a missing route would end in a reset connection."""
    return plugin in (fetch_json(TensorBoardRequest("/data/plugins_listing")) or {})


def _list_tags(fetch_json: FetchJson, plugin: str) -> list[tuple[str, str]]:
    listing = fetch_json(TensorBoardRequest(f"{PLUGIN_PREFIX}{plugin}/tags"))
    if not isinstance(listing, dict):
        return []
    return sorted((run, tag) for run, tags in listing.items() for tag in tags)


def _iter_scalar_requests(fetch_json: FetchJson) -> Iterator[TensorBoardRequest]:
    for run, tag in _list_tags(fetch_json, "scalars"):
        if tag in {"loss", "not a number"}:
            yield _make_get_request("scalars", "scalars", run=run, tag=tag, format="csv")
    yield _make_get_request("scalars", "scalars", run="train", tag="no such tag")
    yield _make_get_request("scalars", "scalars", run="no such run", tag="loss")
    if _has_plugin(fetch_json, "timeseries"):  # both came with 2.4.0
        form = urlencode([("tag", "loss"), ("runs", "train"), ("runs", "."), ("runs", "none")])
        yield TensorBoardRequest(f"{PLUGIN_PREFIX}scalars/scalars_multirun", form)


def _iter_blob_requests(
    fetch_json: FetchJson, plugin: str, route: str, individual: str
) -> Iterator[TensorBoardRequest]:
    """Yield lists of pictures or clips, then each of them by the query in the list."""
    listing = fetch_json(TensorBoardRequest(f"{PLUGIN_PREFIX}{plugin}/tags"))
    for run, tag in _list_tags(fetch_json, plugin):
        info = listing[run][tag]
        for sample in range(info.get("samples", 1) if isinstance(info, dict) else 1):
            request = _make_get_request(plugin, route, run=run, tag=tag, sample=sample)
            yield request
            rows = fetch_json(request)
            for row in rows if isinstance(rows, list) else []:
                if "query" in row:
                    yield TensorBoardRequest(f"{PLUGIN_PREFIX}{plugin}/{individual}?{row['query']}")
                elif "blob_key" in row:
                    yield _make_get_request(plugin, individual, blob_key=row["blob_key"])


def _iter_mesh_requests(fetch_json: FetchJson) -> Iterator[TensorBoardRequest]:
    for run, tag in _list_tags(fetch_json, "mesh"):
        yield _make_get_request("mesh", "meshes", run=run, tag=tag, sample=0)
        for part in ("VERTEX", "FACE", "COLOR", "NONE"):
            for step in (51, 53):
                query: dict[str, str | int] = {"content_type": part, "sample": 0, "step": step}
                yield _make_get_request("mesh", "data", run=run, tag=tag, **query)


def _iter_graph_requests() -> Iterator[TensorBoardRequest]:
    cut: dict[str, str | int] = {"limit_attr_size": 1024, "large_attrs_key": "_too_large_attrs"}
    for run in (".", "train", "eval/ünï cødé"):
        yield _make_get_request("graphs", "graph", run=run, conceptual="false", **cut)
    yield _make_get_request("graphs", "graph", run="eval/ünï cødé")
    yield _make_get_request("graphs", "graph", run="train", tag="keras", conceptual="true")
    for tag in ("batch_2", "func"):
        yield _make_get_request("graphs", "graph", run="train", tag=tag, conceptual="false", **cut)
    for run, tag in (("train", "step 63"), ("train", "batch_2"), ("eval/ünï cødé", "step 3")):
        yield _make_get_request("graphs", "run_metadata", run=run, tag=tag)


def _iter_layout_requests() -> Iterator[TensorBoardRequest]:
    for run in ("train", "eval/ünï cødé", "hp/0"):
        for pattern in ("loss", "acc.*", "many|lower", "("):
            yield _make_get_request("custom_scalars", "scalars", run=run, tag=pattern)
    for form in ("csv", "json"):
        yield _make_get_request(
            "custom_scalars", "download_data", run="train", tag="loss", format=form
        )


def _iter_hparams_requests(fetch_json: FetchJson) -> Iterator[TensorBoardRequest]:
    groups = {
        "experimentName": "",
        "allowedStatuses": [f"STATUS_{s}" for s in ("SUCCESS", "FAILURE", "RUNNING", "UNKNOWN")],
        "colParams": [{"hparam": "rate", "order": "ORDER_ASC"}],
        "startIndex": 0,
        "sliceSize": 100,
    }
    filtered = groups | {
        "colParams": [
            {"hparam": "optimizer", "filterRegexp": "ad.*"},
            {"metric": {"group": "", "tag": "accuracy"}, "order": "ORDER_DESC"},
        ]
    }
    evals = {"sessionName": "hp/1", "metricName": {"group": "", "tag": "accuracy"}}
    columns = quote(json.dumps([True] * 5))
    for route, message in (
        ("experiment", {"experimentName": ""}),
        ("session_groups", groups),
        ("session_groups", filtered),
        ("metric_evals", {"experimentName": ""} | evals),
    ):
        request = json.dumps(message)
        if _has_plugin(fetch_json, "hparams"):
            yield TensorBoardRequest(f"{PLUGIN_PREFIX}hparams/{route}", request, "application/json")
        yield _make_get_request("hparams", route, request=request)
    for form in ("csv", "json", "latex"):
        yield TensorBoardRequest(
            f"{PLUGIN_PREFIX}hparams/download_data?format={form}&columnsVisibility={columns}"
            f"&request={quote(json.dumps(groups))}"
        )


def _iter_projector_requests() -> Iterator[TensorBoardRequest]:
    yield _make_get_request("projector", "info", run=".")
    for route in ("metadata", "tensor", "bookmarks", "sprite_image"):
        yield _make_get_request("projector", route, run=".", name="words")
    yield _make_get_request("projector", "metadata", run=".", name="words", num_rows=4)
    yield _make_get_request("projector", "tensor", run=".", name="no such tensor")


def _iter_timeseries_requests(fetch_json: FetchJson) -> Iterator[TensorBoardRequest]:
    if not _has_plugin(fetch_json, "timeseries"):
        return
    unicode_tag = next(
        (t for _, t in _list_tags(fetch_json, "scalars") if t.startswith("acc/")), ""
    )
    series: list[dict[str, str | int]] = [
        {"plugin": "scalars", "tag": "loss"},
        {"plugin": "scalars", "tag": unicode_tag},
        {"plugin": "scalars", "tag": "many", "run": "large"},
        {"plugin": "scalars", "tag": "not a number"},
        {"plugin": "histograms", "tag": "weights", "run": "train"},
        {"plugin": "images", "tag": "pictures", "sample": 0, "run": "train"},
        {"plugin": "images", "tag": "pictures", "sample": 0, "run": "eval/ünï cødé"},
        {"plugin": "no such plugin", "tag": "loss"},
    ]
    for one in series:
        request = TensorBoardRequest(
            f"{PLUGIN_PREFIX}timeseries/timeSeries", urlencode({"requests": json.dumps([one])})
        )
        yield request
        if one["plugin"] == "images":
            response = fetch_json(request)
            for rows in response[0].get("runToSeries", {}).values() if response else []:
                for row in rows:
                    yield _make_get_request("timeseries", "imageData", imageId=row["imageId"])
    yield _make_get_request("timeseries", "timeSeries", requests=json.dumps(series[:2]))


def _iter_other_requests(fetch_json: FetchJson) -> Iterator[TensorBoardRequest]:
    for run, tag in _list_tags(fetch_json, "text_v2"):
        yield _make_get_request("text_v2", "text", run=run, tag=tag)
    yield _make_get_request("text", "text", run="train", tag="notes", markdown="false")
    runs = "&run=".join(quote(run, safe="") for run in ("train", "eval/ünï cødé"))
    yield TensorBoardRequest(f"{PLUGIN_PREFIX}pr_curves/pr_curves?run={runs}&tag=curve")
    yield TensorBoardRequest(f"{PLUGIN_PREFIX}pr_curves/available_time_entries?run={runs}")
