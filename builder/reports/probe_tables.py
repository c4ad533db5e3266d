"""Render the tables of docs/smoke.md: deployments with layers, probes, failure modes, forms."""

from __future__ import annotations

from builder.reports.rendering import render_template
from builder.smoke.deployments import (
    LAB_DEPLOYMENTS,
    NOTEBOOK_DEPLOYMENTS,
    UNPATCHED_CONTROLS,
    UNSET_CONTROLS,
)
from builder.smoke.probes.failure_modes import FAILURE_MODES, list_catching_probes
from builder.smoke.probes.forms import VARIABLE_FORMS, list_form_rows
from builder.smoke.probes.table import PROBE_TABLE


def render_probe_tables() -> str:
    """Render the tables as Markdown."""
    deployments = (
        *LAB_DEPLOYMENTS,
        *NOTEBOOK_DEPLOYMENTS,
        *UNSET_CONTROLS.values(),
        *UNPATCHED_CONTROLS.values(),
    )
    return render_template(
        "probes.md.j2",
        deployments=[(f"`{d.name}`", f"`{d.base_url}`", ", ".join(d.layers)) for d in deployments],
        probes=[
            (f"`{name}`", row.layer, row.sentence, ", ".join(map(str, row.modes)))
            for name, row in PROBE_TABLE.items()
        ],
        modes=[
            (number, mode.sentence, _name_probes(number) or mode.elsewhere)
            for number, mode in FAILURE_MODES.items()
        ],
        forms=[
            (f"`{name}`", *cells)
            for name, cells in zip(VARIABLE_FORMS, list_form_rows(), strict=True)
        ],
    )


def _name_probes(mode: int) -> str:
    return ", ".join(f"`{name}`" for name in list_catching_probes(mode))
