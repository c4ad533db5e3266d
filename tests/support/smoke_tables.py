"""The tables of docs/smoke.md: `python -m tests.support.smoke_tables` writes them anew."""

from __future__ import annotations

from builder.reports.rendering import format_markdown_table
from builder.smoke.deployments import (
    LAB_DEPLOYMENTS,
    NOTEBOOK_DEPLOYMENTS,
    UNPATCHED_CONTROLS,
    UNSET_CONTROLS,
)
from builder.smoke.probes.failure_modes import FAILURE_MODES, list_catching_probes
from builder.smoke.probes.forms import VARIABLE_FORMS, list_form_rows
from builder.smoke.probes.table import PROBE_TABLE
from tests.support.releases import ROOT

PAGE = ROOT / "docs" / "smoke.md"
_FIRST_HEAD = ("deployment", "at", "layers of probes")
_FORMS = """\
What becomes of each form of the variable in JupyterLab, at `/` and below `/foo/`; any other outcome
fails its probe. `{base}` stands for Jupyter's base URL, `{origin}` for its scheme, host and port,
`{free}` for a free port."""


def render() -> str:
    """Deployments with their layers, probes, failure modes, forms of the variable."""
    deployments = (
        *LAB_DEPLOYMENTS,
        *NOTEBOOK_DEPLOYMENTS,
        *UNSET_CONTROLS.values(),
        *UNPATCHED_CONTROLS.values(),
    )
    parts = [
        format_markdown_table(
            _FIRST_HEAD,
            [(f"`{d.name}`", f"`{d.base_url}`", ", ".join(d.layers)) for d in deployments],
        ),
        format_markdown_table(
            ("probe", "layer", "what it asserts", "modes"),
            [
                (f"`{name}`", row.layer, row.sentence, ", ".join(map(str, row.modes)))
                for name, row in PROBE_TABLE.items()
            ],
        ),
        format_markdown_table(
            ("mode", "what goes wrong", "caught by"),
            [
                (number, mode.sentence, _names(list_catching_probes(number)) or mode.elsewhere)
                for number, mode in FAILURE_MODES.items()
            ],
        ),
        _FORMS,
        format_markdown_table(
            ("probe", "form", "seen at", "at `/`", "below a prefix"),
            [(f"`{n}`", *cells) for n, cells in zip(VARIABLE_FORMS, list_form_rows(), strict=True)],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _names(probes: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in probes)


if __name__ == "__main__":
    text = PAGE.read_text()
    PAGE.write_text(text[: text.index(f"| {' | '.join(_FIRST_HEAD)} |")] + render())
