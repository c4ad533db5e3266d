"""Every probe with its layer, its sentence, and the failure modes that it catches.

The numbers are those of docs/smoke.md, which has this very table.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A probe: the layer that it belongs to, what it asserts, the failure modes that it catches."""

    layer: str
    sentence: str
    modes: tuple[int, ...] = ()


TABLE: dict[str, Row] = {
    "anonymous-refused": Row("only", "without a login neither GET nor POST reaches TensorBoard"),
    "published-ports": Row("only", "only Jupyter's port is published"),
    "loopback-only": Row("only", "TensorBoard listens on the loopback only"),
    "neighbour-refused": Row(
        "only", "from beside it and from its host TensorBoard is refused, and Jupyter answers", (1,)
    ),
    # The kernel's layers: cells by WebSocket, TensorBoard through the proxy.
    "notebook-runs": Row("kernel", "the notebook trains and loads the extension without an error"),
    "large-written": Row("kernel", "a run with large histograms is written"),
    "first-display": Row(
        "kernel", "the first run shows `Launching TensorBoard...`, then the frame in its place"
    ),
    "frame-under-prefix": Row(
        "kernel", "the frame loads the proxied address, on Jupyter's origin", (1, 4, 5)
    ),
    "reuse": Row("kernel", "the same cell again shows the same TensorBoard, at once"),
    "list": Row("kernel", "`notebook.list()` tells of it"),
    "display": Row("kernel", "`notebook.display()` shows it, with and without a port and a height"),
    "page": Row("kernel", "the frame's address gives TensorBoard's page, fit for a prefix", (3, 7)),
    "assets": Row("kernel", "every file of the page comes as TensorBoard itself gives it", (16,)),
    "data-read": Row("kernel", "TensorBoard lists the run's canary tag, all points, its plugins"),
    "scalar-points": Row("kernel", "the scalars are those that were written, to the last bit"),
    "histogram-points": Row("kernel", "so are the histograms"),
    "image-bytes": Row("kernel", "so are the images"),
    "post": Row("kernel", "the time series, which are POSTs, have the points written"),
    "post-without-xsrf": Row(
        "kernel", "a browser's POST without Jupyter's `_xsrf` reaches TensorBoard", (13,)
    ),
    "every-endpoint": Row(
        "kernel", "every data route answers through the proxy as it does beside it", (15,)
    ),
    "several-at-once": Row("kernel", "eight clients at once get the answers of one"),
    "large-response": Row("kernel", "more than 10 MB come complete", (17,)),
    "gzip": Row("kernel", "the same comes compressed to those who ask for it", (17,)),
    "ports-prepared": Row("ports", "the notebook's TensorBoard shows"),
    "two-logdirs": Row("ports", "two logdirs are two ports; the same arguments again, the same"),
    "port-taken": Row("ports", "something else is on the port: the next one, and the frame there"),
    "explicit-port": Row("ports", "`--port` is the port, and the frame is there"),
    "explicit-port-busy": Row("ports", "a busy `--port` fails with TensorBoard's own words", (11,)),
    "forms-prepared": Row("forms", "the notebook's TensorBoard shows"),
    "form-plain": Row("forms", "`/proxy/%PORT%/`", (5,)),
    "form-docker-stacks": Row("forms", "`${JUPYTERHUB_SERVICE_PREFIX:-/}proxy/%PORT%/`", (5,)),
    "form-service-prefix": Row("forms", "the same, where a Hub sets the prefix", (5,)),
    "form-base-url": Row("forms", "the base URL, then `proxy/%PORT%/`", (5,)),
    "form-no-slash": Row("forms", "the last slash forgotten", (2,)),
    "form-full-url": Row("forms", "a full URL"),
    "form-unset": Row("forms", "unset", (1,)),
    "form-empty": Row("forms", "empty", (7,)),
    "form-fixed-port": Row("forms", "a fixed port, from which TensorBoard moved on", (8,)),
    "form-wrong-prefix": Row("forms", "a prefix that is not ours", (5,)),
    "form-user-redirect": Row("forms", "`/hub/user-redirect/proxy/%PORT%/` without a Hub"),
    "form-absolute": Row("forms", "`proxy/absolute/%PORT%/`, plain", (4,)),
    "form-absolute-prefixed": Row("forms", "the same with `--path_prefix` and `--port`", (4,)),
    "failures-prepared": Row("failures", "the notebook's TensorBoard shows"),
    "killed-reused": Row("failures", "a killed TensorBoard is reused, as upstream's is", (9,)),
    "start-fails": Row("failures", "TensorBoard's exit code and words are shown"),
    "start-times-out": Row("failures", "a start that takes too long says so, with the pid", (12,)),
    "binary-missing": Row("failures", "a missing program is named"),
    "slash-missing": Row("failures", "without its last slash an address gives a bare page", (2,)),
    "host-refused": Row("failures", "the proxy leads to the loopback only", (20,)),
    "token-wrong": Row("failures", "a wrong or expired token is refused"),
    "control-notebook-runs": Row("control", "the notebook runs"),
    "control-frame": Row("control", "the frame loads TensorBoard's own port", (1,)),
    "control-proof-fails": Row(
        "control", "`frame-under-prefix` fails on it, and Jupyter's origin does not lead there"
    ),
    "control-runs": Row(
        "control", "TensorBoard runs all the same: by its proxied address it answers"
    ),
}
