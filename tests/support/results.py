"""Results of probes, as the recorder makes them."""

from __future__ import annotations

from builder.smoke.model import ProbeOutcome, ProbeResult
from builder.smoke.probes.table import PROBE_TABLE
from builder.smoke.results.result import DeploymentResult

PROBE = next(iter(PROBE_TABLE))


def make_probe(
    name: str, outcome: ProbeOutcome, detail: str = "", seconds: float = 1.0
) -> ProbeResult:
    """The result of a probe, with its sentence if the table has it."""
    row = PROBE_TABLE.get(name)
    return ProbeResult(name, outcome, seconds, detail, "" if row is None else row.sentence)


def make_result(*outcomes: ProbeOutcome, failure: str = "") -> DeploymentResult:
    """A deployment's result with probes of these outcomes."""
    probes = tuple(make_probe(PROBE, o, f"d{k}", 0.12345) for k, o in enumerate(outcomes))
    return DeploymentResult("2.2.1", "lab", "docker", "w.whl", "ab", 1.0, probes, failure)
