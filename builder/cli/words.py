"""How findings are said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.checks.table import TABLE

if TYPE_CHECKING:
    from builder.model import Finding


def finding_line(finding: Finding) -> str:
    """`new D704 tensorboard/notebook.py: the patch is not applied (…)`."""
    about = f" {printable(finding.subject)}" if finding.subject else ""
    detail = printable(finding.detail)
    return f"{finding.standing} {finding.code}{about}: {detail} ({TABLE[finding.code]})"


def printable(text: str) -> str:
    """The text with what a terminal would act on spelt out: names in wheels are not ours."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
