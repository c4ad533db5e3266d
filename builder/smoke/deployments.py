"""The deployments of the smoke tests, as data."""

from __future__ import annotations

from builder.smoke.model import Deployment, Frontend

# The layers that every front end goes through.
_SHOWN = ("kernel", "only", "browser", "reopen")
_CONTROL = ("control", "browser-control")

LAB_DEPLOYMENTS = (
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
NOTEBOOK_DEPLOYMENTS = (
    Deployment("notebook", Frontend.NOTEBOOK, layers=_SHOWN),
    Deployment("classic", Frontend.CLASSIC, layers=_SHOWN),
)
# The negative controls: without the variable, or without the patch, the frame must not load.
UNSET_CONTROLS = {
    Frontend.LAB: Deployment("lab-unset", Frontend.LAB, variable=None, layers=_CONTROL),
    Frontend.NOTEBOOK: Deployment(
        "notebook-unset", Frontend.NOTEBOOK, variable=None, layers=_CONTROL
    ),
}
UNPATCHED_CONTROLS = {
    Frontend.LAB: Deployment("lab-unpatched", Frontend.LAB, layers=_CONTROL),
    Frontend.NOTEBOOK: Deployment("notebook-unpatched", Frontend.NOTEBOOK, layers=_CONTROL),
}
DEPLOYMENT_SUITES = {"lab": LAB_DEPLOYMENTS, "notebook": NOTEBOOK_DEPLOYMENTS}
