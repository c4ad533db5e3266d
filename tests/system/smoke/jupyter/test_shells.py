"""The address that a frame loads, worked out from the real shells of every way to show it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from builder.smoke.jupyter.frame import list_frames
from tests.support.displays import PAGE, execution
from tests.support.notebooks import ask_notebooks

if TYPE_CHECKING:
    from pathlib import Path

# One release of each way to show a frame; the stock frame of 1.15 to 2.1 needs an older Python.
RELEASES = ("1.14.0", "2.2.1", "2.3.0", "2.21.0")


@pytest.mark.parametrize("version", RELEASES)
def test_real_shells(version: str, tmp_path: Path) -> None:
    """What real notebook.py files show, stock and patched, unset and set."""
    call: dict[str, Any] = {"port": 6006, "height": 321, "seed": 7, "handle": False}
    calls = [
        {**call, "module": "stock", "value": None},
        {**call, "module": "patched", "value": None},
        {**call, "module": "patched", "value": "/user/ada/proxy/%PORT%/"},
        {**call, "module": "patched", "value": "../../../proxy/%PORT%"},
    ]
    answers = ask_notebooks(version, [sys.executable], calls, tmp_path)
    shown = [
        list_frames(execution(("display_data", a["outputs"][0]["data"], None)), PAGE)[0]
        if "text/html" in a["outputs"][0]["data"]
        else pytest.fail(f"{a}")
        for a in answers
    ]
    own = "http://localhost:6006/" if version < "1.15" else "https://hub.example:6006/"
    through = "https://hub.example:8000/user/ada/proxy/6006/"
    assert [frame.address for frame in shown] == [own, own, through, through]
    assert {frame.height for frame in shown} == {321}
