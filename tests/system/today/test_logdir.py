"""The oracle's logdir has the same bytes in every process."""

from __future__ import annotations

import subprocess
import sys

from builder.today import logdir
from tests.support.releases import ROOT


def test_bytes_do_not_depend_on_the_process() -> None:
    """Other processes, with other hash seeds, make the same logdir."""
    code = "from builder.today import logdir; print(logdir.digest_logdir())"
    made = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed, zone in (("0", "UTC"), ("1", "Asia/Tokyo"))
    }
    assert made == {logdir.digest_logdir()}
