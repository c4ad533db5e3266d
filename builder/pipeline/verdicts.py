"""Verdicts: what commits mean for many releases. Only commits are fetched, nothing is written."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from builder.errors import SourceError, WheelError
from builder.machine import cores
from builder.picks.verdict import Kind
from builder.pipeline.picks import open_picker
from builder.wheel import archive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.git import Commit
    from builder.model import Release
    from builder.picks.verdict import Verdict
    from builder.pipeline.workshop import Workshop
    from builder.wheel.archive import Archive


def make_verdicts(
    releases: Sequence[Release], revisions: Sequence[str], workshop: Workshop
) -> tuple[tuple[Commit, ...], list[Verdict]]:
    """Judge commits on releases.

    Args:
        releases: what to judge them on.
        revisions: the commits, as they were named.
        workshop: the doors; stock wheels are used where they are in the cache.

    Returns:
        The commits, and one verdict for each release, in their order.

    Raises:
        RequestError: a commit is named in a way that git could take for something else.
        SourceError: a commit cannot be had, or the repository has none of the releases.
    """
    picker = open_picker(revisions, workshop)

    def judge(release: Release) -> Verdict:
        workshop.check_cancelled()
        return picker.verdict(release, _at_hand(release, workshop))

    with ThreadPoolExecutor(max_workers=cores()) as pool:
        try:
            verdicts = list(pool.map(judge, releases))
        except BaseException:
            workshop.cancelled.set()
            raise
    if all(v.kind is Kind.ABSENT for v in verdicts):
        raise SourceError(verdicts[0].reason, "look at --upstream: it has none of these releases")
    noted = [v for v in verdicts if v.note]
    if noted:
        more = f" (so for {len(noted)} releases)" if len(noted) > 1 else ""
        workshop.console.note(f"{noted[0].version}: {noted[0].note}{more}")
    guessed = [v.version for v in verdicts if v.paths.taken and not v.wheel]
    if guessed:
        workshop.console.note(
            f"{len(guessed)} stock wheels are not in the cache ({guessed[0]} …): what they ship "
            "was judged by path names"
        )
    return picker.commits, verdicts


def _at_hand(release: Release, workshop: Workshop) -> Archive | None:
    """The stock wheel, if it is in the cache."""
    content = workshop.cache.read(release.wheel.sha256)
    if content is None:
        return None
    try:
        return archive.parse(content, release.wheel.filename)
    except WheelError:
        return None
