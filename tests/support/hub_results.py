"""Results of a Hub's run."""

from __future__ import annotations

from builder.smoke.hub import variable_forms
from builder.smoke.model import ProbeOutcome, ProbeResult
from builder.smoke.probes.table import PROBE_TABLE
from builder.smoke.results.result import DeploymentResult
from tests.support.results import make_probe

LAYERS = {
    "hub": ("shared-loopback", "stopped"),
    "hub-redirect": (),
    "hub-containers": ("strangers", "isolation", "stopped"),
    "hub-existing": (),
    "hub-forms": ("hub-forms",),
    "hub-forms-prefix": ("hub-forms-prefix",),
    "hub-load": ("load",),
}


def make_hub_results(release: str, **failed: str) -> list[DeploymentResult]:
    """Results of a run in which all went as expected, but for those named, and of a Lab."""

    def probe(name: str) -> ProbeResult:
        form = variable_forms.HUB_VARIABLE_FORMS.get(name)
        detail = f"/user/x/proxy/6006/: {form.effect}" if form else "0 of 18 | read"
        outcome = ProbeOutcome.FAILED if name in failed else ProbeOutcome.PASSED
        return make_probe(name, outcome, failed.get(name, detail))

    def result(deployment: str, sha256: str, *layers: str) -> DeploymentResult:
        probes = tuple(probe(name) for name, row in PROBE_TABLE.items() if row.layer in layers)
        return DeploymentResult(
            release, deployment, "docker 1", "w.whl", sha256, 1.0, probes, date="2026-11-25"
        )

    found = [result(name, "ab" * 32, *layers) for name, layers in LAYERS.items()]
    return [*found, *(result(name, "cd" * 32) for name in ("lab", "hub-unpatched"))]
