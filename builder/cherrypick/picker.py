"""Cherry-pick commits: preview them on a release, make the picks, and turn them into a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace
from packaging.specifiers import SpecifierSet

from builder.cherrypick import imports
from builder.cherrypick.native import NativeCommitFinder
from builder.cherrypick.paths import sort_paths
from builder.cherrypick.series import CommitPatch, PickedFile, make_pick_series
from builder.errors import PatchError, SourceError
from builder.git.merge import merge_trees
from builder.git.origins import find_origins
from builder.git.pick import cherry_pick
from builder.model import PickedCommits
from builder.wheel.blobs import hash_git_blob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from builder.cherrypick.paths import SortedPaths
    from builder.git.mirror import Mirror
    from builder.git.repository import Commit
    from builder.git.upstream import Upstream
    from builder.model import CommitOrigin, Conflict, PathChange, Release
    from builder.patching.series import Series
    from builder.wheel.archive import Archive

_MAX_SHOWN = 3


class WheelBlobs(NamedTuple):
    """The git blobs of a wheel's members; implements `builder.cherrypick.paths.ShippedBlobs`."""

    archive: Archive

    def find_blob(self, path: str) -> str | None:
        """Find the git blob of a member's content; None if there is no such member."""
        member = self.archive.find_member(path)
        return None if member is None else hash_git_blob(member.read())


class PickPreview(NamedTuple):
    """What picks on one release would give, computed without a checkout.

    Attributes:
        base: the release's commit.
        native: commit → how it is known that the release has it.
        todo: the other commits, in order, up to and including the first that conflicts.
        conflicts: the conflicts of that commit.
        tree: the tree that the picks make; the release's own tree if there is nothing to pick, or
            a conflict.
    """

    base: str
    native: dict[str, str]
    todo: tuple[Commit, ...]
    conflicts: tuple[Conflict, ...]
    tree: str


class PickStep(NamedTuple):
    """A commit that was picked, and the ids of the commits before and after the pick."""

    commit: Commit
    before: str
    after: str


class CherryPicker(msgspec.Struct, frozen=True):
    """The commits of one run and the mirror that has them; safe to use from several threads.

    Attributes:
        mirror: the mirror of upstream's repository.
        commits: the commits to pick, in order.
        origins: of each of them, everybody named who has it; upstream comes first.
        report_note: called with each note for the user.
        native_finder: finds out which commits releases already have.
    """

    mirror: Mirror
    commits: tuple[Commit, ...]
    origins: tuple[tuple[CommitOrigin, ...], ...]
    report_note: Callable[[str], None]
    native_finder: NativeCommitFinder

    def find_base(self, release: Release) -> str:
        """Find the commit that a release was made from.

        Raises:
            SourceError: the repository does not have that commit.
        """
        base = self.mirror.find_release_commit(release)
        if base is None:
            raise SourceError(
                explain_absence(release, self.mirror), "look at the version, and at --upstream"
            )
        if base.note:
            self.report_note(f"{release.version}: {base.note}")
        return base.commit

    def preview_picks(self, release: Release, base: str) -> PickPreview:
        """Find out what picks on a release would give; no file is written.

        Raises:
            SourceError: git fails.
        """
        native: dict[str, str] = {}
        todo: list[Commit] = []
        tree = own = self.mirror.read_commit(base).tree
        for commit in self.commits:
            how = self.native_finder.find_by_history(commit, release, base)
            if how is None:
                merge = merge_trees(self.mirror, commit.parent, tree, commit.tree)
                if merge.conflicts:
                    how = self.native_finder.find_by_patch_id(commit, base)
                    if how is None:
                        return PickPreview(base, native, (*todo, commit), merge.conflicts, own)
                elif merge.tree == tree:
                    how = "the release's files are as it makes them"
                else:
                    todo.append(commit)
                    tree = merge.tree
                    continue
            native[commit.id] = how
        return PickPreview(base, native, tuple(todo), (), tree)

    def pick_commits(self, release: Release) -> tuple[PickedCommits, list[PickStep]]:
        """Pick the commits onto a release, whether or not a wheel ships what they change.

        Returns:
            What was picked (its `head` is the commit to build from), and the single picks.

        Raises:
            PatchError: a commit conflicts.
            SourceError: the repository does not have the release, or git fails.
        """
        base = self.find_base(release)
        preview = self.preview_picks(release, base)
        new_commits = (
            cherry_pick(self.mirror, base, preview.todo, release.version) if preview.todo else []
        )
        head = new_commits[-1] if new_commits else base
        picked = PickedCommits(
            upstream=self.mirror.upstream_remote.url,
            remote=""
            if self.mirror.commits_remote == self.mirror.upstream_remote
            else self.mirror.commits_remote.url,
            base=base,
            commits=tuple(c.id for c in self.commits),
            native=tuple(preview.native),
            head=head,
            tree=self.mirror.read_commit(head).tree,
            left_out=(),
            pull_requests=self.mirror.pull_requests,
            origins=tuple(found[0] for found in self.origins),
        )
        return picked, [
            PickStep(*step)
            for step in zip(preview.todo, [base, *new_commits], new_commits, strict=False)
        ]

    def pick_as_series(self, release: Release, stock: Archive) -> Series:
        """Pick the commits and turn them into a series for the release's stock wheel.

        Raises:
            PatchError: a commit conflicts, needs Bazel, or changes nothing that the wheel ships.
            SourceError: the repository does not have the release, or git fails.
        """
        picked, steps = self.pick_commits(release)
        if not steps:
            return make_pick_series(release.version, picked, ())
        changes = self.mirror.list_changes(picked.base, picked.head)
        paths = sort_paths(changes, WheelBlobs(stock))
        if paths.needs_bazel or not paths.taken:
            raise _make_patch_error(release, paths)
        for module in self.find_uncovered_imports(release, changes, paths):
            self.report_note(
                f"{release.version}: {module} is imported anew, and no requirement brings it"
            )
        blobs = {c.path: (c.before,) for c in changes if c.path in paths.taken}
        patches = [self._make_patch(release, step, blobs) for step in steps]
        picked = replace(picked, left_out=paths.left_out)
        return make_pick_series(release.version, picked, [p for p in patches if p.outcomes])

    def _make_patch(
        self, release: Release, step: PickStep, blobs: Mapping[str, tuple[str, ...]]
    ) -> CommitPatch:
        outcomes = {
            c.path: PickedFile(c.before, self.mirror.read_blob(c.after))
            for c in self.mirror.list_changes(step.before, step.after)
            if c.path in blobs
        }
        return CommitPatch(
            file=step.commit.id,
            sha256=step.commit.sha256,
            releases=SpecifierSet(f"=={release.version}"),
            blobs={path: blobs[path] for path in outcomes},
            outcomes=outcomes,
            description=step.commit.subject,
        )

    def find_uncovered_imports(
        self, release: Release, changes: Sequence[PathChange], paths: SortedPaths
    ) -> tuple[str, ...]:
        """Find the modules that changed files newly import and the release does not require."""
        found = {
            module
            for c in changes
            if c.path in paths.taken and c.path.endswith(".py")
            for module in imports.find_uncovered_imports(
                self.mirror.read_blob(c.before),
                self.mirror.read_blob(c.after),
                release.requires_dist or (),
            )
        }
        return tuple(sorted(found))


def make_cherry_picker(revisions: Sequence[str], upstream: Upstream) -> CherryPicker:
    """Find the commits in what upstream, its named pull requests and `--from`'s repository publish.

    Raises:
        RequestError: a revision could be an option, a range or something else to git.
        SourceError: a commit is of none of them, or cannot be picked: it is a merge or changes no
            file.
    """
    mirror = upstream.mirror
    commits = tuple(_find_pickable_commit(mirror, revision) for revision in revisions)
    origins = tuple(find_origins(mirror, commit.id) for commit in commits)
    note = upstream.context.console.print_note
    return CherryPicker(mirror, commits, origins, note, NativeCommitFinder(mirror))


def find_commits(revisions: Sequence[str], upstream: Upstream) -> tuple[str, ...]:
    """Find the full ids of commits as `make_cherry_picker` does; no repository for no commits."""
    return tuple(c.id for c in make_cherry_picker(revisions, upstream).commits) if revisions else ()


def _find_pickable_commit(mirror: Mirror, revision: str) -> Commit:
    commit = mirror.read_commit(mirror.find_commit(revision))
    if len(commit.parents) > 1:
        raise SourceError(
            f"{commit.id[:12]} ({commit.subject}) is a merge of {len(commit.parents)} commits",
            f"name the commits that it brings: `git log {commit.id[:12]}^1..{commit.id[:12]}`",
        )
    if not mirror.list_changes(commit.parent, commit.tree):
        raise SourceError(f"{commit.id[:12]} ({commit.subject}) changes no file", "leave it out")
    return commit


def explain_absence(release: Release, mirror: Mirror) -> str:
    """The message for a release that the repository does not have."""
    return f"{mirror.upstream_remote.url} has no tag {release.version}"


def explain_paths(paths: SortedPaths) -> str:
    """Say in one line what needs Bazel, or else what is changed and what is left out."""
    if paths.needs_bazel:
        return "needs Bazel: " + _shorten_list([f"{n.path} ({n.why})" for n in paths.needs_bazel])
    left = f"; left out: {_shorten_list(paths.left_out)}" if paths.left_out else ""
    return f"changes {_shorten_list(paths.taken) or 'nothing that a wheel ships'}{left}"


def _make_patch_error(release: Release, paths: SortedPaths) -> PatchError:
    if paths.needs_bazel:
        return PatchError(
            f"the commits cannot go onto the stock wheel of {release.version}: "
            f"{explain_paths(paths)}",
            "build it from source (--backend bazel); `nox -s plan` tells for every release",
        )
    return PatchError(
        f"the commits change nothing that the wheel of {release.version} ships: "
        f"{_shorten_list(paths.left_out)}",
        "name a commit that changes the package",
    )


def _shorten_list(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _MAX_SHOWN} more" if len(texts) > _MAX_SHOWN else ""
    return ", ".join(texts[:_MAX_SHOWN]) + more
