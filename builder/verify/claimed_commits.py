"""The commits that a statement claims were picked: whose they are, and whether they are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.cherrypick.picker import make_cherry_picker
from builder.errors import ProvenanceError, UncheckedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.git.upstream import Upstream
    from builder.model import PickedCommits, Release
    from builder.patching.series import Series
    from builder.provenance.claims import Claim, ClaimedPicks
    from builder.wheel.archive import Archive


def pick_claimed_commits(
    picks: ClaimedPicks, upstream: Upstream, release: Release, stock: Archive
) -> Series:
    """Pick the claimed commits again onto a release, as `CherryPicker.pick_as_series` does.

    Raises:
        ProvenanceError: they are claimed to be of somebody whom the user did not name, or are not
            whose the statement says.
        PatchError: a commit does not apply to the release.
        SourceError: a commit is of nobody who was named, or cannot be fetched.
    """
    error = make_owner_error(picks, upstream)
    if error is not None:
        raise error
    picker = make_cherry_picker(picks.commits, upstream)
    for commit, found in zip(picks.commits, picker.origins, strict=True):
        claimed = picks.origins.get(commit)
        if claimed not in {None, *(origin.kind for origin in found)}:
            raise ProvenanceError(
                f"commit {commit} is said to be of {claimed}, and is of {found[0].text}",
                "do not trust it; build it again",
            )
    return picker.pick_as_series(release, stock)


def make_owner_error(picks: ClaimedPicks, upstream: Upstream) -> ProvenanceError | None:
    """Make the error for commits that are said to be of somebody whom the user did not name.

    None if the user named just those: a statement must not choose who is trusted.
    """
    remote = upstream.commits_remote
    for option, claimed, named in (
        ("--upstream", picks.upstream, upstream.upstream_remote.url),
        ("--from", picks.remote, None if remote is None else remote.url),
    ):
        if claimed != named:
            places = (claimed or picks.upstream, named or upstream.upstream_remote.url)
            return ProvenanceError(
                f"its commits are said to be from {places[0]}, not from {places[1]}",
                f"if you trust that repository, say {option} {claimed}"
                if claimed
                else f"leave {option} out",
            )
    if picks.pull_requests != upstream.pull_requests:
        words = [
            " and ".join(f"pull request {n}" for n in numbers) or "no pull request"
            for numbers in (picks.pull_requests, upstream.pull_requests)
        ]
        options = " ".join(f"--pull-request {n}" for n in picks.pull_requests)
        return ProvenanceError(
            f"its commits are said to be of {words[0]}, not of {words[1]}",
            f"if you trust it, say {options}" if options else "leave --pull-request out",
        )
    return None


def check_commits(claim: Claim, commits: Sequence[str], upstream: Upstream) -> None:
    """Check that the claimed commits are those that the user wants, if the user named some.

    Raises:
        ProvenanceError: they are others.
        UncheckedError: the user named none, nor whose they are said to be.
    """
    claimed = () if claim.picks is None else claim.picks.commits
    if commits and claimed != tuple(commits):
        words = f"with the commits {', '.join(claimed)}" if claimed else "without commits"
        raise ProvenanceError(
            f"{claim.filename} is said to be made {words}, not with {', '.join(commits)}",
            "leave --cherry-pick out to see what it has, or build it again",
        )
    if claim.picks is None or commits:
        return
    unnamed = make_owner_error(claim.picks, upstream)
    if unnamed is not None:
        described = f"{', '.join(claimed)}; {unnamed.message}"
        error = make_commits_error(claim.filename, claimed, described)
        raise UncheckedError(error.message, f"{error.hint}; {unnamed.hint}")


def make_commits_error(filename: str, commits: Sequence[str], described: str) -> UncheckedError:
    """Make the error for a wheel with commits, `described` in words, that the user did not name."""
    return UncheckedError(
        f"{filename} is made with commits that you did not name: {described}",
        f"if you want these in it, say --provenance --cherry-pick {','.join(commits)}",
    )


def describe_commits(picked: PickedCommits) -> list[str]:
    """Describe picked commits and whose they are, in words."""
    pairs = zip(picked.commits, picked.origins, strict=True)
    return [f"commit {commit} of {origin.text}" for commit, origin in pairs]
