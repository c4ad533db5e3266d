"""Make the Delta that a wheel should have: of the series asked for, or of what it claims."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from builder.errors import BuilderError, InterruptedRunError
from builder.patching.delta import make_delta
from builder.provenance.claims import describe_series
from builder.provenance.statements import collect_tool_materials
from builder.verify.claimed_commits import pick_claimed_commits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.model import Delta, Release
    from builder.patching.series import Series
    from builder.provenance.claims import Claim, ClaimedPicks
    from builder.verify.sources import WheelSources
    from builder.wheel.archive import Archive


class PatchedRelease(NamedTuple):
    """A release whose patches are looked up: its stock wheel, the sources, and where notes go."""

    stock: Archive
    release: Release
    sources: WheelSources
    notes: list[str]

    def make_expected_delta(
        self, series: Sequence[str], picks: ClaimedPicks | None = None
    ) -> ExpectedDelta | None:
        """Make the Delta of series and commits; None, and a note, where that fails."""
        try:
            all_series = load_claimed_series(series, picks, self.sources, self.release, self.stock)
            delta = make_delta(self.release, self.stock, all_series)
        except InterruptedRunError:
            raise
        except BuilderError as error:
            self.notes.append(f"what the patches make of it is unknown: {error.message}")
            return None
        return ExpectedDelta(delta, collect_tool_materials(delta, all_series))


class ExpectedDelta(NamedTuple):
    """The Delta that this tree makes of a stock wheel, and the tool's files that decide it."""

    delta: Delta
    tool: dict[str, str]


def choose_expected_delta(
    patched: PatchedRelease, claim: Claim | None, asked: Sequence[str]
) -> ExpectedDelta | None:
    """Make the Delta of the series asked for, or of the commits that a statement claims.

    Other series that it claims are told, and not used: a wheel without the series asked for would
    pass by saying so. A wheel of commits that cannot be had is compared as without a statement.
    """
    if claim is not None and claim.picks is not None:
        expected = patched.make_expected_delta(claim.series, claim.picks)
        if expected is not None:
            return expected
    if claim is not None and (claim.picks is not None or claim.series != tuple(asked)):
        patched.notes.append(
            f"compared with {describe_series(asked)}; by its provenance it has "
            f"{claim.describe_patches()}"
        )
    return patched.make_expected_delta(asked)


def load_claimed_series(
    names: Sequence[str],
    picks: ClaimedPicks | None,
    sources: WheelSources,
    release: Release,
    stock: Archive,
) -> list[Series]:
    """Load what a wheel is claimed to be made with: the commits, picked again, and the series.

    Raises:
        ProvenanceError: the commits are claimed to be of somebody whom the user did not name, or
            are not whose the statement says.
        PatchError: a series cannot be read, or a commit does not apply to the release.
        RequestError: a series has an invalid name.
        SourceError: a commit is of nobody who was named, or cannot be fetched.
    """
    series = sources.load_series(names)
    if picks is None:
        return series
    return [pick_claimed_commits(picks, sources.upstream, release, stock), *series]
