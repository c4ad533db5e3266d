"""Results of probes, as the recorder makes them."""

from __future__ import annotations

from builder.smoke.model import ProbeOutcome, ProbeResult
from builder.smoke.probes.table import PROBE_TABLE


def make_probe(
    name: str, outcome: ProbeOutcome, detail: str = "", seconds: float = 1.0
) -> ProbeResult:
    """The result of a probe, with its sentence if the table has it."""
    row = PROBE_TABLE.get(name)
    return ProbeResult(name, outcome, seconds, detail, "" if row is None else row.sentence)
