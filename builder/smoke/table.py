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
}
