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
    "control-notebook-runs": Row("control", "the notebook runs"),
    "control-frame": Row("control", "the frame loads TensorBoard's own port", (1,)),
    "control-proof-fails": Row(
        "control", "`frame-under-prefix` fails on it, and Jupyter's origin does not lead there"
    ),
    "control-runs": Row(
        "control", "TensorBoard runs all the same: by its proxied address it answers"
    ),
}
