"""Format findings, and set outputs of a CI step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from builder.checks.table import CHECK_SENTENCES

if TYPE_CHECKING:
    from builder.context import RunContext
    from builder.model import Finding


def format_finding(finding: Finding) -> str:
    """Format a finding: `new D704 tensorboard/notebook.py: the patch is not applied (…)`."""
    about = f" {finding.subject}" if finding.subject else ""
    sentence = CHECK_SENTENCES[finding.code]
    return f"{finding.status} {finding.code}{about}: {finding.detail} ({sentence})"


def set_step_output(name: str, value: str, context: RunContext) -> None:
    """Set an output of the GitHub Actions step that we run in; elsewhere print the value.

    Args:
        name: the output's.
        value: any text.
        context: its environment variables say where outputs go (GITHUB_OUTPUT).
    """
    outputs = context.env.get("GITHUB_OUTPUT")
    if not outputs:
        context.console.print_result(value)
        return
    with Path(outputs).open("a", encoding="utf-8") as file:
        # As GitHub's own toolkit does, so that no value ends early and sets another output.
        delimiter = f"ghadelimiter_{uuid4()}"
        file.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
