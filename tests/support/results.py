"""Results of probes, as the recorder makes them."""

from __future__ import annotations

from msgspec import structs

from builder.smoke.model import ProbeOutcome, ProbeResult
from builder.smoke.probes.table import PROBE_TABLE
from builder.smoke.results.result import DeploymentResult, StoredResult

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


def make_stored_result(
    release: str = "2.2.1", deployment: str = "lab", failure: str = ""
) -> StoredResult:
    """A result with a picture, in the directory where it should be."""
    made = make_result(ProbeOutcome.PASSED, ProbeOutcome.SKIPPED, failure=failure)
    pictures = ("jupyterlab.png",)
    made = structs.replace(made, release=release, deployment=deployment, pictures=pictures)
    return StoredResult(f"{release}/{deployment}", made)


# One probe failed, with a detail that would be markup.
FAILED_RESULT = DeploymentResult(
    "2.2.1",
    "lab",
    "docker",
    "w.whl",
    "ab",
    12.3,
    (
        make_probe("frame", ProbeOutcome.FAILED, "404 <b>|</b>"),
        make_probe("kernel", ProbeOutcome.PASSED),
    ),
    pictures=("frame.png",),
)
