"""The known failure modes of TensorBoard behind Jupyter, and what catches each of them.

The numbers are those in `builder.smoke.probes.table`; docs/smoke.md has this list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from builder.smoke.probes.table import PROBE_TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping


class FailureMode(NamedTuple):
    """A failure mode; `elsewhere` says what catches it where no probe of the table does."""

    sentence: str
    elsewhere: str = ""


FAILURE_MODES: Mapping[int, FailureMode] = {
    1: FailureMode("the frame loads TensorBoard's own port, which is refused"),
    2: FailureMode("without a slash at the end, the page comes and its assets are 404"),
    3: FailureMode(
        "root-absolute fonts are 404 behind a prefix (tensorboard #1885); the one exception"
    ),
    4: FailureMode("`proxy/absolute/` and `proxy/` mixed up"),
    5: FailureMode("the user's prefix is missing"),
    6: FailureMode("the Hub itself lies under a prefix"),
    7: FailureMode("an empty variable: the notebook page inside itself"),
    8: FailureMode("a fixed port, while TensorBoard moved on to another"),
    9: FailureMode("a killed TensorBoard is shown again (tensorboard #2483)"),
    10: FailureMode("`.tensorboard-info` belongs to another user (tensorboard #2010)"),
    11: FailureMode("an explicit port that is busy: TensorBoard's own words, and exit code 255"),
    12: FailureMode("TensorBoard takes too long to start"),
    13: FailureMode("XSRF: the page comes, its POSTs are 403, charts stay empty"),
    14: FailureMode("an expired login: a page that may not be framed, hence a blank frame"),
    15: FailureMode("some requests drop the prefix"),
    16: FailureMode("a Worker or a plugin's frame is 404"),
    17: FailureMode("a large answer is cut off or never comes"),
    18: FailureMode("another user reads it"),
    19: FailureMode("TensorBoard outlives its stopped server"),
    20: FailureMode("a host that is not allowed: 403"),
    21: FailureMode("the kernel is not ready and the cell never runs (jupyterlab #15420)"),
    22: FailureMode("the front end mishandles `update_display_data`: two frames, or none"),
    23: FailureMode("an untrusted notebook, reopened, drops the frame"),
    24: FailureMode("a stale cookie or service worker"),
    25: FailureMode("TensorBoard in another pod listens on its loopback"),
}


def list_catching_probes(mode: int) -> list[str]:
    """List the probes that catch a failure mode."""
    return [name for name, row in PROBE_TABLE.items() if mode in row.modes]
