"""How findings are said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.checks.table import TABLE

if TYPE_CHECKING:
    from builder.model import Finding


def finding_line(finding: Finding) -> str:
    """`new D704 tensorboard/notebook.py: the patch is not applied (…)`."""
    about = f" {finding.subject}" if finding.subject else ""
    return f"{finding.standing} {finding.code}{about}: {finding.detail} ({TABLE[finding.code]})"
