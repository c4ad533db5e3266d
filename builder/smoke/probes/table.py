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
    "data-read": Row("kernel", "TensorBoard lists the run's canary tag, all points, its plugins"),
    "scalar-points": Row("kernel", "the scalars are those that were written, to the last bit"),
    "histogram-points": Row("kernel", "so are the histograms"),
    "image-bytes": Row("kernel", "so are the images"),
    "post": Row("kernel", "the time series, which are POSTs, have the points written"),
    "post-without-xsrf": Row(
        "kernel", "a browser's POST without Jupyter's `_xsrf` reaches TensorBoard", (13,)
    ),
    "endpoints-prepared": Row("endpoints", "the notebook's TensorBoard shows"),
    "assets": Row(
        "endpoints", "every file of the page comes as TensorBoard itself gives it", (16,)
    ),
    "every-endpoint": Row(
        "endpoints", "every data route answers through the proxy as it does beside it", (15,)
    ),
    "several-at-once": Row("endpoints", "eight clients at once get the answers of one"),
    "large-started": Row("endpoints", "a TensorBoard for large histograms starts, and ends again"),
    "large-response": Row("endpoints", "more than 10 MB come complete", (17,)),
    "gzip": Row("endpoints", "the same comes compressed to those who ask for it", (17,)),
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
    "killed-reused": Row(
        "failures", "a killed TensorBoard is not shown again (with the series `security`)", (9,)
    ),
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
    "hub-log-in": Row("hub", "the Hub's form lets a person in, and gives a token"),
    "hub-spawn": Row("hub", "a server is spawned, its progress followed to its end"),
    # A Hub's own layers. Forms: builder.smoke.hub.forms has what they are, and their effects.
    "hub-form-callable": Row("hub-forms", "the spawner's base URL leads there", (5,)),
    "hub-form-named": Row("hub-forms", "so it does for a named server", (5,)),
    "hub-form-early": Row("hub-forms", "without a server the callable gives no empty text", (7,)),
    "hub-form-early-named": Row("hub-forms", "nor does it for a named server", (7,)),
    "hub-form-stacks": Row("hub-forms", "the form of docker-stacks leads there"),
    "hub-form-redirect": Row("hub-forms", "user-redirect leads there"),
    "hub-form-full-url": Row("hub-forms", "a full URL with user-redirect leads there"),
    "hub-form-no-slash": Row("hub-forms", "a missing last slash is added", (2,)),
    "hub-form-redirect-named": Row("hub-forms", "user-redirect misses a named server", (5,)),
    "hub-form-plain": Row("hub-forms", "without the user's prefix it is a 404", (5,)),
    "hub-form-absolute": Row("hub-forms", "`absolute` alone is a 404", (4,)),
    "hub-form-absolute-prefixed": Row("hub-forms", "with `--path_prefix` it leads there", (4,)),
    "hub-form-empty": Row(
        "hub-forms", "an empty text is as unset, and no page inside itself", (7,)
    ),
    "hub-form-unset": Row("hub-forms", "unset, the frame loads TensorBoard's own port", (1,)),
    "hub-form-prefix": Row("hub-forms-prefix", "the base URL has the Hub's prefix", (6,)),
    "hub-form-prefix-named": Row("hub-forms-prefix", "so it has for a named server", (6,)),
    "hub-form-prefix-stacks": Row("hub-forms-prefix", "so has the form of docker-stacks", (6,)),
    "hub-form-prefix-redirect": Row(
        "hub-forms-prefix", "user-redirect with the prefix works", (6,)
    ),
    "hub-form-prefix-forgotten": Row(
        "hub-forms-prefix", "user-redirect without the prefix is a 404", (6,)
    ),
    "owner-shows": Row("strangers", "Alice's notebook shows TensorBoard, which reads her canary"),
    "owner-reads": Row("strangers", "the control: Alice reads hers by every way of her own"),
    "other-session-refused": Row(
        "strangers", "Bob's session does not read it at her address", (18,)
    ),
    "other-token-refused": Row("strangers", "nor does his token, nor a wrong one", (18,)),
    "nobody-refused": Row("strangers", "without a login nobody reads it", (18,)),
    "ways-of-nobody": Row(
        "strangers", "a token in the address or at user-redirect lets nobody in, nor Alice"
    ),
    "expired-token-refused": Row(
        "strangers", "her token, used before, reads it no more soon after it has expired", (18,)
    ),
    "logged-out-refused": Row("strangers", "her browser reads it no more after a logout", (18,)),
    "login-not-framed": Row(
        "strangers", "on an expired login the frame is blank: the form may not be framed", (14,)
    ),
    "other-proxy-refused": Row(
        "isolation", "Bob does not read it by his own proxy or user-redirect, as Alice does", (18,)
    ),
    "other-by-host-refused": Row(
        "isolation", "a container's name in a proxy's address lets nobody in, nor Alice", (20, 25)
    ),
    "other-direct-refused": Row(
        "isolation", "Bob does not read it at her container's address, past the Hub", (18, 25)
    ),
    "shared-loopback-read": Row(
        "shared-loopback", "local processes share one loopback: there Bob does read it", (18,)
    ),
    "planted-info-ignored": Row(
        "shared-loopback", "an info file that another user of the machine plants is not believed"
    ),
    "stopped-tensorboard": Row(
        "stopped", "with a stopped server it is gone (container) or left behind (process)", (19,)
    ),
    "respawned-tensorboard": Row(
        "stopped",
        "started again: a new one (container), or the one left behind (process)",
        (9, 19),
    ),
    "stale-cookie": Row("stopped", "a browser with cookies of the stopped server gets in", (24,)),
    "info-of-another": Row(
        "stopped", "another user's `.tensorboard-info` works or is told of", (10,)
    ),
    "load-frames": Row("load", "many users at once all get a server and a frame"),
    "load-own-canary": Row("load", "asking at once, everybody sees their own canary alone", (18,)),
    "load-memory": Row("load", "what it takes is measured"),
    "proxy-killed": Row(
        "load", "the Hub's proxy is killed while all ask: TensorBoards and kernels come back"
    ),
    "server-killed": Row(
        "load", "one server is killed: the others go on, it starts anew and empty", (19,)
    ),
    "browser-log-in": Row("browser", "the login form lets a person in"),
    "browser-kernel-idle": Row("browser", "the page shows the notebook and its kernel", (21,)),
    "browser-cells-run": Row("browser", "all cells run to their end", (21,)),
    "browser-one-frame": Row("browser", "one frame takes the place of the notice", (22,)),
    "browser-frame-prefix": Row("browser", "the frame is below Jupyter's address", (1, 5, 7)),
    "browser-canary-visible": Row(
        "browser", "the tag of this run can be read in the frame", (2, 14)
    ),
    "browser-chart-drawn": Row("browser", "a chart has a height and a curve", (13,)),
    "browser-picture": Row("browser", "a picture of it can be taken"),
    "browser-nothing-foreign": Row("browser", "every request goes to Jupyter's origin", (1,)),
    "browser-nothing-stray": Row("browser", "no request of the frame drops the prefix", (15,)),
    "browser-nothing-failed": Row(
        "browser", "no request fails, but for the known fonts", (2, 3, 16)
    ),
    "browser-assets-by-name": Row(
        "browser", "the release's own script, worker, listing and data were asked for", (13, 16)
    ),
    "browser-console-clean": Row("browser", "nothing unknown complains on the console"),
    "browser-reopened-trusted": Row("reopen", "saved and reopened, the frame is there", (23,)),
    "browser-reopened-untrusted": Row(
        "reopen", "changed by somebody else and reopened, it is not", (23,)
    ),
    "browser-run-again": Row("reopen", "run again, it is there again", (9, 23)),
    "browser-control-log-in": Row("browser-control", "the login form lets a person in"),
    "browser-control-kernel-idle": Row(
        "browser-control", "the page shows the notebook and its kernel"
    ),
    "browser-control-cells-run": Row("browser-control", "all cells run to their end"),
    "browser-control-direct": Row(
        "browser-control", "the frame points at TensorBoard's own port", (1,)
    ),
    "browser-control-refused": Row("browser-control", "its request is refused", (1,)),
    "browser-control-no-canary": Row("browser-control", "the tag of this run cannot be read", (1,)),
}
