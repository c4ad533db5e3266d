"""Judge commits on many releases. Only commits are fetched; no wheel is built or written."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from msgspec.structs import replace

from builder.cherrypick.paths import sort_paths
from builder.cherrypick.picker import WheelBlobs, explain_absence, explain_paths, make_cherry_picker
from builder.cherrypick.verdict import Verdict, VerdictKind
from builder.errors import SourceError, WheelError
from builder.git.conflicts import describe_conflicts
from builder.system.machine import count_cores
from builder.system.waiting import collect_results
from builder.wheel import archive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.cherrypick.picker import CherryPicker
    from builder.git.upstream import Upstream
    from builder.model import Release
    from builder.releases.cache import Cache
    from builder.wheel.archive import Archive


def make_verdicts(
    releases: Sequence[Release], revisions: Sequence[str], upstream: Upstream, cache: Cache
) -> tuple[CherryPicker, list[Verdict]]:
    """Judge commits on releases.

    Args:
        releases: the releases to judge them on.
        revisions: the commits, as the user named them.
        upstream: the repository that has the commits.
        cache: the cache of stock wheels; if it lacks one, paths are judged by their names.

    Returns:
        What has the commits and whose they are, and one verdict for each release, in the order of
        `releases`.

    Raises:
        RequestError: a revision could be an option, a range or something else to git.
        SourceError: a commit is of nobody who was named, or there is none of the releases.
    """
    picker = make_cherry_picker(revisions, upstream)
    context = upstream.context

    def judge_release(release: Release) -> Verdict:
        context.check_cancelled()
        return judge_commits(picker, release, _read_cached_wheel(release, cache))

    with ThreadPoolExecutor(max_workers=count_cores()) as pool:
        try:
            futures = [pool.submit(judge_release, release) for release in releases]
            verdicts = collect_results(futures)
        except BaseException:
            context.cancelled.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    if all(v.kind is VerdictKind.ABSENT for v in verdicts):
        raise SourceError(verdicts[0].reason, "look at --upstream: it has none of these releases")
    noted = [v for v in verdicts if v.note]
    if noted:
        more = f" (so for {len(noted)} releases)" if len(noted) > 1 else ""
        context.console.print_note(f"{noted[0].version}: {noted[0].note}{more}")
    guessed = [v.version for v in verdicts if v.paths.taken and not v.wheel]
    if guessed:
        context.console.print_note(
            f"{len(guessed)} stock wheels are not in the cache ({guessed[0]} …): what they ship "
            "was judged by path names"
        )
    return picker, verdicts


def judge_commits(picker: CherryPicker, release: Release, stock: Archive | None) -> Verdict:
    """Judge the commits on one release.

    Args:
        picker: has the commits and the mirror.
        release: the release.
        stock: its stock wheel, or None to judge paths by their names.

    Raises:
        SourceError: git fails.
    """
    version = release.version
    source = picker.mirror.find_release_commit(release)
    if source is None:
        return Verdict(version, VerdictKind.ABSENT, explain_absence(release, picker.mirror))
    base = source.commit
    preview = picker.preview_picks(release, base)
    native = tuple(preview.native.items())
    verdict = Verdict(version, VerdictKind.NATIVE, "", base, source.note, native)
    if preview.conflicts:
        commit = preview.todo[-1].id
        reason = f"{commit[:12]} conflicts in {describe_conflicts(preview.conflicts)}"
        return replace(
            verdict,
            kind=VerdictKind.CONFLICT,
            reason=reason,
            commit=commit,
            conflicts=preview.conflicts,
        )
    verdict = replace(verdict, tree=preview.tree)
    if not preview.todo:
        how = "; ".join(f"{c[:12]}: {h}" for c, h in preview.native.items())
        return replace(verdict, reason=how)
    changes = picker.mirror.list_changes(base, preview.tree)
    paths = sort_paths(changes, None if stock is None else WheelBlobs(stock))
    return replace(
        verdict,
        kind=VerdictKind.NEEDS_BAZEL if paths.needs_bazel else VerdictKind.CLEAN,
        reason=explain_paths(paths),
        paths=paths,
        imports=picker.find_uncovered_imports(release, changes, paths),
        wheel=stock is not None,
    )


def _read_cached_wheel(release: Release, cache: Cache) -> Archive | None:
    """Read the stock wheel from the cache; None if it is not there, or cannot be read."""
    content = cache.read_file(release.wheel.sha256)
    if content is None:
        return None
    try:
        return archive.parse_archive(content, release.wheel.filename)
    except WheelError:
        return None
