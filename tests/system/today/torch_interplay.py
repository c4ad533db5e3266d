"""PyTorch's `SummaryWriter` beside our wheels: `nox -s interplay`.

Not among the usual tests: with CUDA, as the usual index has it for Linux, PyTorch is several GB. uv
takes the CPU build where UV_TORCH_BACKEND=cpu says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import needs
from tests.support.environments import Place, our_wheel

if TYPE_CHECKING:
    from pathlib import Path

LOSS = [[0, 1.0], [1, 0.5], [2, 0.25], [3, 0.125]]


@pytest.mark.parametrize("version", ["2.11.2", "2.21.0"])
def test_summary_writer(version: str, tmp_path: Path) -> None:
    """What it writes through our messages, our event accumulator reads and our server shows."""
    place = Place(tmp_path / "place", needs.python("3.11"))
    place.install("torch", our_wheel(version, tmp_path))
    assert "tensorboard" not in place.versions()
    runs = tmp_path / "runs"
    reported = place.drive("writers_driver.py", "torch", str(runs))
    assert (reported["loss"], reported["old"]) == (LOSS, LOSS)
    tags = reported["tags"]
    assert tags["graph"] is True
    assert {"notes/text_summary", "curve", "mesh_VERTEX"} <= set(tags["tensors"])
    assert "weights" in tags["histograms"]
    shown = place.served(runs, "run/trial")
    assert {"loss", "old"} <= set(shown["run"])
    assert "accuracy" in shown["run/trial"]
