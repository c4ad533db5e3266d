"""What is told of a failure with a traceback."""

from __future__ import annotations

import subprocess
import sys

from builder.smoke.jupyter.frame import expect_one_frame
from builder.smoke.jupyter.messages import CellExecution, KernelMessage
from builder.smoke.model import ProbeOutcome
from builder.smoke.probes.table import PROBE_TABLE
from builder.smoke.results.recorder import ProbeRecorder

ONLY = [name for name, row in PROBE_TABLE.items() if row.layer == "only"]


def test_what_a_traceback_ends_with_is_told() -> None:
    """A TensorBoard that does not start: its exit code and the traceback's point, in one line."""
    words = [sys.executable, "-c", "import importlib; importlib.import_module('absent.part')"]
    said = subprocess.run(words, capture_output=True, text=True, check=False).stderr
    assert len(said) > 600
    shown = f"ERROR: Failed to launch TensorBoard (exited with 1).\nContents of stderr:\n{said}"
    message = KernelMessage("display_data", {"data": {"text/plain": shown}}, 0.0)
    record = ProbeRecorder()
    with record.probe(ONLY[0]):
        expect_one_frame(CellExecution((message,), 0.0), "http://h/")
    (result,) = record.results
    assert result.outcome is ProbeOutcome.FAILED
    assert "(exited with 1). Contents of stderr: Traceback" in result.detail
    assert result.detail.endswith("ModuleNotFoundError: No module named 'absent'")
    assert len(result.detail) == 600
    assert "\n" not in result.detail
