"""Verify a wheel against its provenance: by its digest, its materials, and a rebuild."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

from builder.errors import (
    OtherTreeError,
    PatchError,
    ProvenanceError,
    RequestError,
    UncheckedError,
    WheelError,
    make_extra_hint,
)
from builder.patching.overlay import build_overlay
from builder.provenance import attest, claims, statements
from builder.provenance.statements import get_provenance_path
from builder.provenance.unverified import list_unverified_fields
from builder.verify.check import find_release
from builder.verify.claimed_commits import check_commits, describe_commits, make_commits_error
from builder.verify.expected import load_claimed_series
from builder.wheel import archive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.model import PickedCommits
    from builder.provenance.claims import Claim
    from builder.verify.sources import WheelSources
    from builder.verify.statement_file import StatementFile
    from builder.verify.wheel_file import WheelFile


class VerifiedProvenance(NamedTuple):
    """A statement that holds: what was verified, and what it says beside that, in words."""

    statement: StatementFile
    verified: list[str]
    unverified: list[str]


def make_other_tree_hint(commit: str | None) -> str:
    """Make the hint for a wheel that another tree of this tool is claimed to have made."""
    again = "build it again here"
    if commit is None or commit.endswith("-dirty"):
        return f"no commit has what made it: {again}"
    return (
        f"do not use it before it passes there (`git worktree add ../there {commit}`), or {again}"
    )


def verify_attestations(wheel: WheelFile, publisher: str | None) -> list[str]:
    """Verify the attestations next to a wheel (PEP 740).

    Args:
        wheel: the wheel's file.
        publisher: `OWNER/REPOSITORY` that must have signed them, or None for any on GitHub.

    Returns:
        What was verified of each attestation.

    Raises:
        ProvenanceError: one cannot be verified, there is none from the wanted publisher, or a
            package that is needed to verify them is not installed.
    """
    found = attest.find_attestations(wheel.path)
    if not found and publisher is not None:
        raise ProvenanceError(
            f"{wheel.name} has no attestation of {publisher}", "fetch it from the index"
        )
    try:
        return [
            attest.verify_attestation(path, wheel.name, wheel.sha256, publisher) for path in found
        ]
    except ModuleNotFoundError as error:
        raise ProvenanceError(
            f"the attestations of {wheel.name} cannot be verified without {error.name}",
            make_extra_hint("publish"),
        ) from error


def verify_provenance(
    wheel: WheelFile, sources: WheelSources, commits: Sequence[str] = ()
) -> VerifiedProvenance:
    """Verify a wheel against the statement next to it, without cached outcomes of codemods.

    Args:
        wheel: the wheel, and the statement beside it.
        sources: what it is rebuilt from.
        commits: the cherry-picked commits that the user wants in it, by their full ids.

    Raises:
        ProvenanceError: the statement is missing, malformed, or not true of the wheel.
        IndexLookupError: the stock wheel cannot be obtained.
        SourceError: the cherry-picked commits are of nobody who was named, or cannot be fetched.
        OtherTreeError: another tree of this tool is claimed to have made it.
        UncheckedError: it was built from source, which this does not rebuild; or it has commits and
            the user named none.
    """
    provenance_path = get_provenance_path(wheel.path)
    if wheel.refusal is not None:
        raise wheel.refusal
    if wheel.statement is None:
        raise ProvenanceError(
            f"there is no provenance {provenance_path.name} beside the wheel",
            "build the wheel again",
        )
    claim = wheel.statement.claim
    _refuse_other_release(wheel, claim, sources)
    check_commits(claim, commits, sources.upstream)
    if claim.backend != "overlay":
        # Not a success: a statement must not be able to avoid the rebuild.
        raise UncheckedError(
            f"{wheel.name} is said to be built from source, which only another build can show",
            f"`nox -s build -- {claim.release} --backend both` compares one with the overlay",
        )
    statement, rebuilt, picked = _rebuild_wheel(claim, sources)
    other_tree = claim.describe_other_tree(
        claims.parse_statement(statement, provenance_path.name).tool
    )
    if other_tree is not None and rebuilt != wheel.sha256:
        # Not a success either: only a rebuild by that tree can show what it made.
        raise OtherTreeError(
            f"{wheel.name} is said to be made by another tree of this tool: {other_tree}",
            make_other_tree_hint(claim.commit),
        )
    differing = claims.compare_statements(wheel.statement.content, statement)
    if differing:
        raise ProvenanceError(
            f"{provenance_path.name}: {differing[0]}", "do not trust it; build it again"
        )
    if rebuilt != wheel.sha256:
        raise ProvenanceError(
            f"a rebuild of {wheel.name} gives other bytes (sha256 {rebuilt})",
            "do not trust it; build it again",
        )
    unverified = list_unverified_fields(wheel.statement.content, statement)
    if picked is None:
        same = ["stock wheel and patches", "a rebuild gives the same bytes"]
        return VerifiedProvenance(wheel.statement, ["subject digest", *same], unverified)
    described = describe_commits(picked)
    if not commits:
        # Not a success: a statement must not be able to choose what is in a wheel.
        raise make_commits_error(wheel.name, picked.commits, "; ".join(described))
    same = ["stock wheel and commits", "a rebuild gives the same bytes"]
    return VerifiedProvenance(wheel.statement, ["subject digest", *described, *same], unverified)


def _refuse_other_release(wheel: WheelFile, claim: Claim, sources: WheelSources) -> None:
    """Refuse a release that is not the one of the file name, before anything of it is fetched."""
    named = find_release(wheel.name, sources)
    if named is not None and Version(named.version) != Version(claim.release):
        raise ProvenanceError(
            f"{wheel.name} is said to be made from {claim.release}, and is named after "
            f"{named.version}",
            "do not trust it; build it again",
        )


def _rebuild_wheel(claim: Claim, sources: WheelSources) -> tuple[bytes, str, PickedCommits | None]:
    """Rebuild a wheel as claimed.

    Returns:
        The rebuild's statement, its sha256 in hex, and the cherry-picked commits, or None.
    """
    release = sources.releases.catalog.find_release(claim.release)
    if release is None:
        raise ProvenanceError(
            f"its release {claim.release} is not in the catalog",
            "`nox -s catalog -- update` pins it",
        )
    stock = sources.releases.fetch_stock_wheel(release).content
    try:
        parsed = archive.parse_archive(stock, release.wheel.filename)
        all_series = load_claimed_series(claim.series, claim.picks, sources, release, parsed)
        overlay = build_overlay(release, stock, all_series, claim.identity)
    except (PatchError, RequestError, WheelError, ValueError) as error:
        raise ProvenanceError(
            f"the wheel cannot be rebuilt as its provenance says: {error}",
            "do not trust it; build it again",
        ) from error
    sha256 = hashlib.sha256(overlay.content).hexdigest()
    statement = statements.make_statement(
        overlay.filename,
        sha256,
        release,
        overlay.delta,
        claim.identity,
        series=all_series,
        run=statements.BuildRun(commit=None, epoch=None),
    )
    return statement, sha256, next((s.picked for s in all_series if s.picked is not None), None)
