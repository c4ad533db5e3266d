"""Cells that show something, as a kernel tells of them."""

from __future__ import annotations

from builder.smoke.jupyter.messages import CellExecution, KernelMessage

PAGE = "https://hub.example:8000/user/ada/lab/tree/smoke-1/smoke.ipynb"


def execution(*displays: tuple[str, dict[str, object], str | None]) -> CellExecution:
    """A cell with these displays: kind, data, display id."""
    return CellExecution(
        tuple(
            KernelMessage(
                kind, {"data": data, "transient": {"display_id": name} if name else {}}, 0.0
            )
            for kind, data, name in displays
        ),
        0.1,
    )
