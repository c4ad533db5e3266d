"""Format findings, and set outputs of a CI step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from builder.checks.table import CHECK_SENTENCES
from builder.errors import OutputError

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

    Raises:
        OutputError: the step's outputs cannot be written.
    """
    outputs = context.env.get("GITHUB_OUTPUT")
    if not outputs:
        context.console.print_lines(value)
        return
    # As GitHub's own toolkit does, so that no value ends early and sets another output.
    delimiter = f"ghadelimiter_{uuid4()}"
    try:
        append_text(Path(outputs), f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    except OSError as error:
        raise OutputError(
            f"the step's outputs {outputs} cannot be written: {error.strerror}",
            "unset GITHUB_OUTPUT to see the value here",
        ) from error


def append_text(path: Path, text: str) -> None:
    """Append to a file that another program reads; a named pipe that nobody reads is an error.

    Raises:
        OSError: it cannot be written.
    """

    def open_file(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0), 0o666)

    with open(path, "a", encoding="utf-8", opener=open_file) as file:
        file.write(text)
