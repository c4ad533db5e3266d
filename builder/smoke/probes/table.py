"""The table of all probes: layer, what is asserted, and the failure modes that each catches.

The failure modes have the numbers of docs/smoke.md, which shows this table.
"""

from __future__ import annotations

from typing import NamedTuple


class ProbeDefinition(NamedTuple):
    """A probe: its layer, what it asserts, and the failure modes that it catches."""

    layer: str
    sentence: str
    modes: tuple[int, ...] = ()


PROBE_TABLE: dict[str, ProbeDefinition] = {
    "anonymous-refused": ProbeDefinition(
        "only", "without a login neither GET nor POST reaches TensorBoard"
    ),
    "published-ports": ProbeDefinition("only", "only Jupyter's port is published"),
    "loopback-only": ProbeDefinition("only", "TensorBoard listens on the loopback only"),
    "neighbour-refused": ProbeDefinition(
        "only", "from beside it and from its host TensorBoard is refused, and Jupyter answers", (1,)
    ),
    # The kernel's layers: cells run by WebSocket, TensorBoard is requested through the proxy.
    "notebook-runs": ProbeDefinition(
        "kernel", "the notebook trains and loads the extension without an error"
    ),
    "first-display": ProbeDefinition(
        "kernel", "the first run shows `Launching TensorBoard...`, then the frame in its place"
    ),
    "frame-under-prefix": ProbeDefinition(
        "kernel", "the frame loads the proxied address, on Jupyter's origin", (1, 4, 5)
    ),
    "reuse": ProbeDefinition("kernel", "the same cell again shows the same TensorBoard, at once"),
    "list": ProbeDefinition("kernel", "`notebook.list()` tells of it"),
    "display": ProbeDefinition(
        "kernel", "`notebook.display()` shows it, with and without a port and a height"
    ),
    "page": ProbeDefinition(
        "kernel", "the frame's address gives TensorBoard's page, fit for a prefix", (3, 7)
    ),
    "data-read": ProbeDefinition(
        "kernel", "TensorBoard lists the run's canary tag, all points, its plugins"
    ),
    "scalar-points": ProbeDefinition(
        "kernel", "the scalars are those that were written, to the last bit"
    ),
    "histogram-points": ProbeDefinition("kernel", "so are the histograms"),
    "image-bytes": ProbeDefinition("kernel", "so are the images"),
    "post": ProbeDefinition("kernel", "the time series, which are POSTs, have the points written"),
    "post-without-xsrf": ProbeDefinition(
        "kernel", "a browser's POST without Jupyter's `_xsrf` reaches TensorBoard", (13,)
    ),
    "endpoints-prepared": ProbeDefinition("endpoints", "the notebook's TensorBoard shows"),
    "assets": ProbeDefinition(
        "endpoints", "every file of the page comes as TensorBoard itself gives it", (16,)
    ),
    "every-endpoint": ProbeDefinition(
        "endpoints", "every data route answers through the proxy as it does beside it", (15,)
    ),
    "several-at-once": ProbeDefinition("endpoints", "eight clients at once get the answers of one"),
    "large-started": ProbeDefinition(
        "endpoints", "a TensorBoard for large histograms starts, and ends again"
    ),
    "large-response": ProbeDefinition("endpoints", "more than 10 MB come complete", (17,)),
    "gzip": ProbeDefinition(
        "endpoints", "the same comes compressed to those who ask for it", (17,)
    ),
    "ports-prepared": ProbeDefinition("ports", "the notebook's TensorBoard shows"),
    "two-logdirs": ProbeDefinition(
        "ports", "two logdirs are two ports; the same arguments again, the same"
    ),
    "port-taken": ProbeDefinition(
        "ports", "something else is on the port: the next one, and the frame there"
    ),
    "explicit-port": ProbeDefinition("ports", "`--port` is the port, and the frame is there"),
    "explicit-port-busy": ProbeDefinition(
        "ports", "a busy `--port` fails with TensorBoard's own words", (11,)
    ),
    "forms-prepared": ProbeDefinition("forms", "the notebook's TensorBoard shows"),
    "form-plain": ProbeDefinition("forms", "`/proxy/%PORT%/`", (5,)),
    "form-docker-stacks": ProbeDefinition(
        "forms", "`${JUPYTERHUB_SERVICE_PREFIX:-/}proxy/%PORT%/`", (5,)
    ),
    "form-service-prefix": ProbeDefinition("forms", "the same, where a Hub sets the prefix", (5,)),
    "form-base-url": ProbeDefinition("forms", "the base URL, then `proxy/%PORT%/`", (5,)),
    "form-no-slash": ProbeDefinition("forms", "the last slash forgotten", (2,)),
    "form-full-url": ProbeDefinition("forms", "a full URL"),
    "form-unset": ProbeDefinition("forms", "unset", (1,)),
    "form-empty": ProbeDefinition("forms", "empty", (7,)),
    "form-fixed-port": ProbeDefinition(
        "forms", "a fixed port, from which TensorBoard moved on", (8,)
    ),
    "form-wrong-prefix": ProbeDefinition("forms", "a prefix that is not ours", (5,)),
    "form-user-redirect": ProbeDefinition(
        "forms", "`/hub/user-redirect/proxy/%PORT%/` without a Hub"
    ),
    "form-absolute": ProbeDefinition("forms", "`proxy/absolute/%PORT%/`, plain", (4,)),
    "form-absolute-prefixed": ProbeDefinition(
        "forms", "the same with `--path_prefix` and `--port`", (4,)
    ),
    "failures-prepared": ProbeDefinition("failures", "the notebook's TensorBoard shows"),
    "killed-reused": ProbeDefinition(
        "failures", "a killed TensorBoard is not shown again (with the series `security`)", (9,)
    ),
    "start-fails": ProbeDefinition("failures", "TensorBoard's exit code and words are shown"),
    "start-times-out": ProbeDefinition(
        "failures", "a start that takes too long says so, with the pid", (12,)
    ),
    "binary-missing": ProbeDefinition("failures", "a missing program is named"),
    "slash-missing": ProbeDefinition(
        "failures", "without its last slash an address gives a bare page", (2,)
    ),
    "host-refused": ProbeDefinition("failures", "the proxy leads to the loopback only", (20,)),
    "token-wrong": ProbeDefinition("failures", "a wrong or expired token is refused"),
    "control-notebook-runs": ProbeDefinition("control", "the notebook runs"),
    "control-frame": ProbeDefinition("control", "the frame loads TensorBoard's own port", (1,)),
    "control-proof-fails": ProbeDefinition(
        "control", "`frame-under-prefix` fails on it, and Jupyter's origin does not lead there"
    ),
    "control-runs": ProbeDefinition(
        "control", "TensorBoard runs all the same: by its proxied address it answers"
    ),
    "hub-log-in": ProbeDefinition("hub", "the Hub's form lets a person in, and gives a token"),
    "hub-spawn": ProbeDefinition("hub", "a server is spawned, its progress followed to its end"),
    # A Hub's own layers. builder.smoke.hub.variable_forms has the forms and their effects.
    "hub-form-callable": ProbeDefinition("hub-forms", "the spawner's base URL leads there", (5,)),
    "hub-form-named": ProbeDefinition("hub-forms", "so it does for a named server", (5,)),
    "hub-form-early": ProbeDefinition(
        "hub-forms", "without a server the callable gives no empty text", (7,)
    ),
    "hub-form-early-named": ProbeDefinition("hub-forms", "nor does it for a named server", (7,)),
    "hub-form-stacks": ProbeDefinition("hub-forms", "the form of docker-stacks leads there"),
    "hub-form-redirect": ProbeDefinition("hub-forms", "user-redirect leads there"),
    "hub-form-full-url": ProbeDefinition("hub-forms", "a full URL with user-redirect leads there"),
    "hub-form-no-slash": ProbeDefinition("hub-forms", "a missing last slash is added", (2,)),
    "hub-form-redirect-named": ProbeDefinition(
        "hub-forms", "user-redirect misses a named server", (5,)
    ),
    "hub-form-plain": ProbeDefinition("hub-forms", "without the user's prefix it is a 404", (5,)),
    "hub-form-absolute": ProbeDefinition("hub-forms", "`absolute` alone is a 404", (4,)),
    "hub-form-absolute-prefixed": ProbeDefinition(
        "hub-forms", "with `--path_prefix` it leads there", (4,)
    ),
    "hub-form-empty": ProbeDefinition(
        "hub-forms", "an empty text is as unset, and no page inside itself", (7,)
    ),
    "hub-form-unset": ProbeDefinition(
        "hub-forms", "unset, the frame loads TensorBoard's own port", (1,)
    ),
    "hub-form-prefix": ProbeDefinition(
        "hub-forms-prefix", "the base URL has the Hub's prefix", (6,)
    ),
    "hub-form-prefix-named": ProbeDefinition(
        "hub-forms-prefix", "so it has for a named server", (6,)
    ),
    "hub-form-prefix-stacks": ProbeDefinition(
        "hub-forms-prefix", "so has the form of docker-stacks", (6,)
    ),
    "hub-form-prefix-redirect": ProbeDefinition(
        "hub-forms-prefix", "user-redirect with the prefix works", (6,)
    ),
    "hub-form-prefix-forgotten": ProbeDefinition(
        "hub-forms-prefix", "user-redirect without the prefix is a 404", (6,)
    ),
    "owner-shows": ProbeDefinition(
        "strangers", "Alice's notebook shows TensorBoard, which reads her canary"
    ),
    "owner-reads": ProbeDefinition(
        "strangers", "the control: Alice reads hers by every way of her own"
    ),
    "other-session-refused": ProbeDefinition(
        "strangers", "Bob's session does not read it at her address", (18,)
    ),
    "other-token-refused": ProbeDefinition(
        "strangers", "nor does his token, nor a wrong one", (18,)
    ),
    "nobody-refused": ProbeDefinition("strangers", "without a login nobody reads it", (18,)),
    "ways-of-nobody": ProbeDefinition(
        "strangers", "a token in the address or at user-redirect lets nobody in, nor Alice"
    ),
    "expired-token-refused": ProbeDefinition(
        "strangers", "her token, used before, reads it no more soon after it has expired", (18,)
    ),
    "logged-out-refused": ProbeDefinition(
        "strangers", "her browser reads it no more after a logout", (18,)
    ),
    "login-not-framed": ProbeDefinition(
        "strangers", "on an expired login the frame is blank: the form may not be framed", (14,)
    ),
    "other-proxy-refused": ProbeDefinition(
        "isolation", "Bob does not read it by his own proxy or user-redirect, as Alice does", (18,)
    ),
    "other-by-host-refused": ProbeDefinition(
        "isolation", "a container's name in a proxy's address lets nobody in, nor Alice", (20, 25)
    ),
    "other-direct-refused": ProbeDefinition(
        "isolation", "Bob does not read it at her container's address, past the Hub", (18, 25)
    ),
    "shared-loopback-read": ProbeDefinition(
        "shared-loopback", "local processes share one loopback: there Bob does read it", (18,)
    ),
    "planted-info-ignored": ProbeDefinition(
        "shared-loopback", "an info file that another user of the machine plants is not believed"
    ),
    "stopped-tensorboard": ProbeDefinition(
        "stopped", "with a stopped server it is gone (container) or left behind (process)", (19,)
    ),
    "respawned-tensorboard": ProbeDefinition(
        "stopped",
        "started again: a new one (container), or the one left behind (process)",
        (9, 19),
    ),
    "stale-cookie": ProbeDefinition(
        "stopped", "a browser with cookies of the stopped server gets in", (24,)
    ),
    "info-of-another": ProbeDefinition(
        "stopped", "another user's `.tensorboard-info` works or is told of", (10,)
    ),
    "load-frames": ProbeDefinition("load", "many users at once all get a server and a frame"),
    "load-own-canary": ProbeDefinition(
        "load", "asking at once, everybody sees their own canary alone", (18,)
    ),
    "load-memory": ProbeDefinition("load", "what it takes is measured"),
    "proxy-killed": ProbeDefinition(
        "load", "the Hub's proxy is killed while all ask: TensorBoards and kernels come back"
    ),
    "server-killed": ProbeDefinition(
        "load", "one server is killed: the others go on, it starts anew and empty", (19,)
    ),
    "browser-log-in": ProbeDefinition("browser", "the login form lets a person in"),
    "browser-kernel-idle": ProbeDefinition(
        "browser", "the page shows the notebook and its kernel", (21,)
    ),
    "browser-cells-run": ProbeDefinition("browser", "all cells run to their end", (21,)),
    "browser-one-frame": ProbeDefinition(
        "browser", "one frame takes the place of the notice", (22,)
    ),
    "browser-frame-prefix": ProbeDefinition(
        "browser", "the frame is below Jupyter's address", (1, 5, 7)
    ),
    "browser-canary-visible": ProbeDefinition(
        "browser", "the tag of this run can be read in the frame", (2, 14)
    ),
    "browser-chart-drawn": ProbeDefinition("browser", "a chart has a height and a curve", (13,)),
    "browser-picture": ProbeDefinition("browser", "a picture of it can be taken"),
    "browser-nothing-foreign": ProbeDefinition(
        "browser", "every request goes to Jupyter's origin", (1,)
    ),
    "browser-nothing-stray": ProbeDefinition(
        "browser", "no request of the frame drops the prefix", (15,)
    ),
    "browser-nothing-failed": ProbeDefinition(
        "browser", "no request fails, but for the known fonts", (2, 3, 16)
    ),
    "browser-assets-by-name": ProbeDefinition(
        "browser", "the release's own script, worker, listing and data were asked for", (13, 16)
    ),
    "browser-console-clean": ProbeDefinition("browser", "nothing unknown complains on the console"),
    "browser-reopened-trusted": ProbeDefinition(
        "reopen", "saved and reopened, the frame is there", (23,)
    ),
    "browser-reopened-untrusted": ProbeDefinition(
        "reopen", "changed by somebody else and reopened, it is not", (23,)
    ),
    "browser-run-again": ProbeDefinition("reopen", "run again, it is there again", (9, 23)),
    "browser-control-log-in": ProbeDefinition("browser-control", "the login form lets a person in"),
    "browser-control-kernel-idle": ProbeDefinition(
        "browser-control", "the page shows the notebook and its kernel"
    ),
    "browser-control-cells-run": ProbeDefinition("browser-control", "all cells run to their end"),
    "browser-control-direct": ProbeDefinition(
        "browser-control", "the frame points at TensorBoard's own port", (1,)
    ),
    "browser-control-refused": ProbeDefinition("browser-control", "its request is refused", (1,)),
    "browser-control-no-canary": ProbeDefinition(
        "browser-control", "the tag of this run cannot be read", (1,)
    ),
}
