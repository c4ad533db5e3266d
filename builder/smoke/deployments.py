"""The deployments that the smoke tests know, as data."""

from __future__ import annotations

from builder.smoke.model import Deployment, Frontend

# What every deployment of a front end must show.
_SHOWN = ("kernel", "only", "browser", "reopen")
_CONTROL = ("control", "browser-control")

LAB = (
    Deployment(
        "lab",
        Frontend.LAB,
        layers=("kernel", "only", "ports", "forms", "failures", "browser", "reopen"),
    ),
    Deployment(
        "lab-base-url",
        Frontend.LAB,
        base_url="/foo/",
        variable="/foo/proxy/%PORT%/",
        layers=("kernel", "only", "endpoints", "forms", "browser"),
    ),
)
NOTEBOOK = (
    Deployment("notebook", Frontend.NOTEBOOK, layers=_SHOWN),
    Deployment("classic", Frontend.CLASSIC, layers=_SHOWN),
)
# The negative controls: without the variable, and without the patch, the same must fail.
UNSET = {
    Frontend.LAB: Deployment("lab-unset", Frontend.LAB, variable=None, layers=_CONTROL),
    Frontend.NOTEBOOK: Deployment(
        "notebook-unset", Frontend.NOTEBOOK, variable=None, layers=_CONTROL
    ),
}
UNPATCHED = {
    Frontend.LAB: Deployment("lab-unpatched", Frontend.LAB, layers=_CONTROL),
    Frontend.NOTEBOOK: Deployment("notebook-unpatched", Frontend.NOTEBOOK, layers=_CONTROL),
}
SUITES = {"lab": LAB, "notebook": NOTEBOOK}
