"""Keep a mirror of upstream in the cache: a partial clone if possible, updated only on demand."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import SourceError
from builder.git.mirror_files import check_mirror_ownership, write_mirror_files
from builder.git.origins import make_absence_error
from builder.git.refresh_times import write_refresh_time
from builder.git.remote import check_revision, is_object_id
from builder.git.repository import Repository
from builder.git.runner import GitRunner, check_git
from builder.system.files import lock_path, make_temporary_directory
from builder.system.limits import CLONE_SECONDS
from builder.system.ownership import make_private_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from builder.context import RunContext
    from builder.git.remote import Remote
    from builder.model import Release

_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
# The option with which a mirror is fetched; a filter is a setting of a named remote.
_FILTER = "--filter=blob:none"


class ReleaseCommit(NamedTuple):
    """The commit of a release, and a remark on how it was found, or ""."""

    commit: str
    note: str


class _MirrorRefs(NamedTuple):
    """All commits of a mirror, and its tags: name → id."""

    commits: frozenset[str]
    tags: dict[str, str]


class Mirror(Repository):
    """The mirror of upstream's repository in the cache.

    Attributes:
        upstream_remote: the repository that it was cloned from.
        commits_remote: the repository of commits that upstream does not have; by default the same.
        pull_requests: the numbers of upstream's pull requests that commits may be of.
        offline: whether the mirror is used as it is.
    """

    def __init__(
        self,
        runner: GitRunner,
        local: GitRunner,
        upstream_remote: Remote,
        commits_remote: Remote,
        pull_requests: Sequence[int] = (),
        *,
        offline: bool,
    ) -> None:
        super().__init__(runner, local)
        self.upstream_remote = upstream_remote
        self.commits_remote = commits_remote
        self.pull_requests = tuple(pull_requests)
        self.offline = offline
        self._fetched: set[str] = set()
        self._refs: _MirrorRefs | None = None
        self._lock = threading.Lock()

    def find_commit(self, revision: str) -> str:
        """Find the full id of a commit, and fetch all branches and tags if it is not here.

        A name is fetched again even if the mirror has it, as branches move; an id is not. Whose the
        commit is, `builder.git.origins` finds out.

        Raises:
            RequestError: the revision is neither an id nor a name.
            SourceError: no branch or tag has it, or a repository cannot be reached.
        """
        check_revision(revision)
        found = self._find_local_commit(revision)
        if found is None or not found.startswith(revision):
            self.refresh()
            found = self._find_local_commit(revision)
        if found is None:
            raise make_absence_error(self, revision)
        return found

    def find_release_commit(self, release: Release) -> ReleaseCommit | None:
        """Find the commit that a release was made from; None if there is neither it nor its tag.

        The catalog decides, as two of upstream's tags point elsewhere (2.14.1 and 2.16.2). Another
        repository than upstream's may lack the catalog's commit; then its tag decides.

        Raises:
            SourceError: upstream's own repository does not have the catalog's commit.
        """
        pinned = release.commit
        commit, tag = self._look_up_release(release)
        if commit is None and (tag is None or self.upstream_remote.is_public) and not self.offline:
            self._fetch_release_commit(pinned if self.upstream_remote.is_public else None)
            commit, tag = self._look_up_release(release)
        if commit is not None:
            tag_differs = tag not in (None, commit)
            note = f"its tag is at {str(tag)[:12]}, not at {commit[:12]}, which is used"
            return ReleaseCommit(commit, note if tag_differs else "")
        if tag is not None and pinned is not None and self.upstream_remote.is_public:
            raise SourceError(
                f"{self.upstream_remote.url} has no commit {pinned}, from which "
                f"{release.version} was made",
                "look at the catalog, and at what the tag points to",
            )
        if tag is None or pinned is None:
            return None if tag is None else ReleaseCommit(tag, "")
        message = f"{self.upstream_remote.url} does not have its commit {pinned[:12]}"
        return ReleaseCommit(tag, f"{message}: the tag is used, at {tag[:12]}")

    def _look_up_release(self, release: Release) -> tuple[str | None, str | None]:
        """Look up a release's commit by catalog and by tag; None for one that the mirror lacks."""
        with self._lock:
            if self._refs is None:
                self._refs = _MirrorRefs(self.list_commits(), self.list_tags())
            commits, tags = self._refs
        tag = tags.get(release.version)
        pinned = release.commit if release.commit in commits else None
        return pinned, tag if tag in commits else None

    def _find_local_commit(self, revision: str) -> str | None:
        if is_object_id(revision):  # a fork could have a branch of that name
            return self.resolve_revision(revision)
        fork = self.get_fork_namespace()
        names = (f"{fork}/heads/{revision}", f"{fork}/tags/{revision}", revision)
        return next((found for name in names if (found := self.resolve_revision(name))), None)

    def get_fork_namespace(self) -> str:
        """Return the prefix of the refs that are the branches and tags of `commits_remote`."""
        return f"refs/forks/{self.commits_remote.key}"

    def refresh(self) -> None:
        """Fetch all branches and tags, and the named pull requests, once in a run; not offline.

        What has been deleted there is deleted here, too, so that nothing is upstream's which
        upstream has withdrawn.

        Raises:
            SourceError: a repository cannot be reached, or has no such pull request.
        """
        if self.offline:
            return
        with lock_path(_get_lock_path(self.runner.directory), self.runner.check_cancelled):
            self._fetch_refs("upstream", _FILTER, "origin", *_REFSPECS)
            for number in self.pull_requests:
                ref = f"refs/pull/{number}/head"
                self._fetch_refs(f"pull-{number}", _FILTER, "origin", f"+{ref}:{ref}")
            if self.commits_remote != self.upstream_remote:
                remote, namespace = self.commits_remote, self.get_fork_namespace()
                refspecs = (r.replace(":refs", f":{namespace}") for r in _REFSPECS)
                # A fork adds few objects, so it needs no filter. It may send differences to files
                # of commits that are here: git then fetches those files of upstream.
                lazily = {"GIT_NO_LAZY_FETCH": "0"}
                self._fetch_refs(remote.key, remote.url, *refspecs, env=lazily)

    def _fetch_refs(self, key: str, *words: str, env: Mapping[str, str] | None = None) -> None:
        """Fetch refs unless this run has; the lock is held."""
        if key in self._fetched:
            return
        fetch = ("fetch", "--no-tags", "--quiet", "--prune")
        self.runner.run_git(*fetch, *words, env=env, timeout=CLONE_SECONDS)
        try:
            write_refresh_time(self.runner.directory, key)
        except OSError as error:
            raise _make_write_error(self.runner.directory, error) from error
        self._fetched.add(key)
        self._clear_refs()

    def _fetch_release_commit(self, commit: str | None) -> None:
        """Fetch a commit of the catalog by its id if the server allows it, else all refs."""
        with lock_path(_get_lock_path(self.runner.directory), self.runner.check_cancelled):
            if commit is not None:
                # The ref makes the commit reachable, so that `list_commits` finds it. If the fetch
                # fails (1 or 128), as some servers give no commits by id, all is fetched below.
                result = self.runner.run_git(
                    *("fetch", "--no-tags", "--quiet", _FILTER, "origin"),
                    f"+{commit}:refs/commits/{commit}",
                    accepted_codes=(0, 1, 128),
                    timeout=CLONE_SECONDS,
                )
                if result.returncode == 0:
                    self._clear_refs()
                    return
            self._fetch_refs("upstream", _FILTER, "origin", *_REFSPECS)

    def _clear_refs(self) -> None:
        """Drop the cached refs; locked, so that a list begun before the fetch is dropped too."""
        with self._lock:
            self._refs = None


def open_mirror(
    context: RunContext,
    upstream_remote: Remote,
    commits_remote: Remote | None,
    pull_requests: Sequence[int] = (),
    *,
    offline: bool,
) -> Mirror:
    """Open the mirror of a repository in the cache, and clone it if it is not there yet.

    Args:
        context: the context of the run.
        upstream_remote: the repository to mirror.
        commits_remote: the repository of commits that `upstream_remote` does not have, or None.
        pull_requests: the numbers of upstream's pull requests that commits may be of.
        offline: use only what is mirrored already.

    Raises:
        SourceError: git is missing or too old, the repository cannot be cloned, or somebody else
            may have written its mirror.
        InterruptedRunError: the run was interrupted.
    """
    root = context.settings.cache / "git"
    directory = root / f"{upstream_remote.key}.git"
    remotes = [upstream_remote, *([] if commits_remote is None else [commits_remote])]
    runner = partial(
        GitRunner,
        env=context.env,
        settings=context.settings,
        remotes=remotes,
        check_cancelled=context.check_cancelled,
    )
    check_git(runner(Path.cwd(), offline=True))
    if not directory.is_dir() and offline:
        raise SourceError(
            f"there is no mirror of {upstream_remote.url} in the cache, and --offline asks nobody",
            "run it once without --offline",
        )
    try:
        make_private_directory(root)
        check_mirror_ownership(context.settings.cache, root)
        if not directory.is_dir():
            _clone_mirror(directory, upstream_remote, runner(root), context.console.print_note)
        check_mirror_ownership(context.settings.cache, directory)
        write_mirror_files(directory, upstream_remote)
    except OSError as error:
        raise _make_write_error(directory, error) from error
    return Mirror(
        runner(directory, offline=offline),
        runner(directory, offline=True),
        upstream_remote,
        commits_remote or upstream_remote,
        pull_requests,
        offline=offline,
    )


def _clone_mirror(
    directory: Path, upstream_remote: Remote, runner: GitRunner, note: Callable[[str], None]
) -> None:
    """Clone into a temporary directory and rename it, so that no incomplete mirror can exist."""
    with lock_path(_get_lock_path(directory), runner.check_cancelled):
        if directory.is_dir():  # another run was faster
            return
        note(f"cloning {upstream_remote.url}")
        prefix = f"incoming-{directory.stem}-"
        with make_temporary_directory(prefix, directory.parent) as workdir:
            target = workdir / "mirror.git"
            words = ("clone", "--bare", "--quiet", "--template=", "--reject-shallow", _FILTER)
            runner.run_git(*words, "--", upstream_remote.url, str(target), timeout=CLONE_SECONDS)
            write_refresh_time(target, "upstream")
            target.rename(directory)


def _make_write_error(directory: Path, error: OSError) -> SourceError:
    """Make the error for a mirror that cannot be written."""
    return SourceError(
        f"the mirror {directory} cannot be written: {error.strerror}",
        "make room, or set XDG_CACHE_HOME to another directory",
    )


def _get_lock_path(directory: Path) -> Path:
    """Return the path of a mirror's lock, which exists before the mirror does."""
    return directory.with_suffix(".lock")
