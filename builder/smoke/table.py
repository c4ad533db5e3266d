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
    "browser-reopened-trusted": Row("browser", "saved and reopened, the frame is there", (23,)),
    "browser-reopened-untrusted": Row(
        "browser", "changed by somebody else and reopened, it is not", (23,)
    ),
    "browser-run-again": Row("browser", "run again, it is there again", (9, 23)),
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
