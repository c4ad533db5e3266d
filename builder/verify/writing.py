"""Judge how a wheel is written: a finding where its provenance claims an overlay, else a note."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from builder.checks.writing import check_writing
from builder.model import Finding, FindingStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.checks.wheel_under_check import WheelUnderCheck
    from builder.model import Release
    from builder.provenance.claims import Claim


class WritingVerdict(NamedTuple):
    """Findings where an overlay is claimed, notes where none is."""

    findings: Sequence[Finding] = ()
    notes: Sequence[str] = ()


def is_claimed_overlay(claim: Claim | None) -> bool:
    """Whether a statement claims that an overlay of the stock wheel made the wheel."""
    return claim is not None and claim.backend == "overlay"


def judge_writing(
    wheel: WheelUnderCheck, release: Release | None, claim: Claim | None, found: Sequence[Finding]
) -> WritingVerdict:
    """Judge whether a wheel is written as this tool writes the overlay of its stock wheel.

    A wheel without such a claim may come from another writer, which is no finding. So a statement
    makes the check only stricter.

    Args:
        wheel: the wheel, with its stock wheel and delta.
        release: the release of the stock wheel, or None if it is unknown.
        claim: what the statement next to it claims, or None.
        found: what the other checks found; nothing is said twice of one member.
    """
    written = list(check_writing(wheel, release))
    if is_claimed_overlay(claim):
        # What another check has named, with the reason, is not named twice.
        named = {f.subject for f in found if f.status is FindingStatus.NEW and f.subject}
        return WritingVerdict(findings=[f for f in written if f.subject not in named])
    new = [f for f in written if f.status is FindingStatus.NEW]
    if not new or any(f.status is FindingStatus.NEW for f in found):
        return WritingVerdict()
    first = f"{new[0].subject or 'the archive'}: {new[0].detail}"
    more = f", and {len(new) - 1} more" if len(new) > 1 else ""
    return WritingVerdict(
        notes=[f"the archive is not written as this tool writes an overlay: {first}{more}"]
    )
