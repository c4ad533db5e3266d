"""Read a repository: single objects with GitPython, lists and comparisons with git."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import SourceError
from builder.git.remote import is_object_id
from builder.model import PathChange
from builder.system.known_secrets import hide_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from git import Repo

    from builder.git.runner import GitRunner

# The empty tree, which git knows without storing it; used as the parent of a first commit.
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class Commit(NamedTuple):
    """A commit: its full id, its tree's and parents' ids, and the first line of its message.

    `sha256` is the hash of the commit object, in hex. `time` is the committer's time, in seconds
    since 1970.
    """

    id: str
    tree: str
    parents: tuple[str, ...]
    subject: str
    sha256: str
    time: int

    @property
    def parent(self) -> str:
        """The first parent, or the empty tree for a first commit."""
        return self.parents[0] if self.parents else EMPTY_TREE


class Repository:
    """A repository, read by git.

    All methods raise SourceError if git fails, as it does if an object is missing.

    Args:
        runner: runs git in the repository, and may fetch what a partial mirror lacks.
        local: runs git in the repository without any network.
    """

    def __init__(self, runner: GitRunner, local: GitRunner) -> None:
        self.runner = runner
        self._local = local

    @contextmanager
    def _open_repo(self) -> Iterator[Repo]:
        """Open it with GitPython, without any network; its processes end with the block.

        It keeps a `git cat-file`, which answers one question after the other, in one thread.
        """
        from git import GitError, Repo
        from git.exc import ODBError

        try:
            with Repo(self.runner.directory, expand_vars=False) as repo:
                repo.git.update_environment(**self._local.variables)
                yield repo
        except (GitError, ODBError, ValueError, KeyError) as error:
            raise SourceError(
                f"the repository cannot be read: {hide_secrets(str(error), 'git')}",
                "see --debug; `git fsck` checks it",
            ) from error

    def resolve_revision(self, revision: str) -> str | None:
        """Find the full id of the commit that a checked revision names; None if it is not here."""
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        # If the object is missing, a partial mirror starts a fetch, which is forbidden here. The
        # exit code depends on which of the two processes fails first, so any is accepted.
        result = self._local.run_git(*words, accepted_codes=None)
        return result.text if is_object_id(result.text) else None

    def list_commits(self) -> frozenset[str]:
        """List the ids of all commits of all branches and tags."""
        return frozenset(self.runner.run_git("rev-list", "--all").text.splitlines())

    def list_tags(self) -> dict[str, str]:
        """Map each tag to the id of its object; an annotated tag to the object that it tags."""
        # GitPython reads no names that are not UTF-8.
        form = "--format=%(refname:strip=2) %(objectname) %(*objectname)"
        listed = self.runner.run_git("for-each-ref", form, "refs/tags").text.splitlines()
        return {words[0]: words[-1] for words in map(str.split, listed)}

    def read_commit(self, commit: str) -> Commit:
        """Read a commit's header and subject."""
        with self._open_repo() as repo:
            found = repo.commit(commit)
            raw: bytes = repo.odb.stream(found.binsha).read()
            message = raw.partition(b"\n\n")[2].decode(errors="replace")
            return Commit(
                id=found.hexsha,
                tree=found.tree.hexsha,
                parents=tuple(parent.hexsha for parent in found.parents),
                subject=message.strip().partition("\n")[0],
                sha256=hashlib.sha256(raw).hexdigest(),
                time=found.committed_date,
            )

    def list_changes(self, before: str, after: str) -> list[PathChange]:
        """List the differences of two trees by path; a rename is a removal and an addition."""
        words = ("diff-tree", "-r", "-z", "--no-renames", "--full-index", before, after)
        return parse_raw_diff(self.runner.run_git(*words).stdout)

    def read_blob(self, blob: str) -> bytes:
        """Read a file's content by its blob id, after fetching it if a partial mirror lacks it."""
        try:
            return self._read_local_blob(blob)
        except SourceError:
            self._fetch_objects([blob])
        return self._read_local_blob(blob)

    def read_file(self, tree: str, path: str) -> bytes:
        """Read the content of a file in a tree, as `read_blob` does."""
        from git import Tree

        with self._open_repo() as repo:
            blob = Tree(repo, bytes.fromhex(tree), path="").join(path).hexsha
        return self.read_blob(blob)

    def _read_local_blob(self, blob: str) -> bytes:
        with self._open_repo() as repo:
            content: bytes = repo.odb.stream(bytes.fromhex(blob)).read()
            return content

    def is_ancestor(self, commit: str, descendant: str) -> bool:
        """Whether a commit is in the history of another."""
        with self._open_repo() as repo:
            return repo.is_ancestor(repo.commit(commit), repo.commit(descendant))

    def find_equivalents(self, commit: Commit, paths: Sequence[str]) -> list[str]:
        """Find commits of any branch or tag that make the same change to these paths.

        `git patch-id --stable` compares them; it ignores line numbers and white space.
        """
        own = self._list_patch_ids(f"{commit.id}^!", paths=paths)
        since = [f"^{parent}" for parent in commit.parents]
        others = self._list_patch_ids("--all", *since, paths=paths)
        wanted = {patch for patch, _ in own}
        return [found for patch, found in others if patch in wanted]

    def _list_patch_ids(self, *revisions: str, paths: Sequence[str]) -> list[tuple[str, str]]:
        words = ("log", "-p", "--no-merges", "--no-ext-diff", "--no-textconv", "--no-color")
        log = self.runner.run_git(
            *words, "--format=commit %H", "--full-index", *revisions, "--", *paths
        )
        result = self.runner.run_git("patch-id", "--stable", stdin=log.stdout)
        rows = [line.split() for line in result.text.splitlines()]
        return [(patch, commit) for patch, commit in rows]

    def export_tar(self, commit: str, target: Path) -> None:
        """Write a commit's files to a tar archive, after fetching what a partial mirror lacks.

        The same commit gives the same bytes: all times are the commit's, and the owner is root.
        """
        self.fetch_missing_files(commit)
        self.runner.run_git("archive", "--format=tar", f"--output={target.resolve()}", commit)

    def fetch_missing_files(self, commit: str) -> None:
        """Fetch the files of a commit that a partial mirror lacks, all in one fetch."""
        words = ("rev-list", "--objects", "--no-walk", "--missing=print", commit)
        listed = self.runner.run_git(*words).text.splitlines()
        missing = [line[1:] for line in listed if line.startswith("?")]
        if missing:
            self._fetch_objects(missing)

    def _fetch_objects(self, ids: Sequence[str]) -> None:
        # The same arguments with which git itself fetches what a partial clone lacks.
        fetch = ("fetch", "origin", "--no-tags", "--no-write-fetch-head", "--filter=blob:none")
        stdin = "".join(f"{m}\n" for m in ids).encode()
        options = ("-c", "fetch.negotiationAlgorithm=noop")
        self.runner.run_git(*options, *fetch, "--stdin", stdin=stdin, timeout=1800)


def parse_raw_diff(raw: bytes) -> list[PathChange]:
    r"""Parse the output of `git diff-tree -z`: `:mode mode blob blob status\0path\0` per path.

    Raises:
        SourceError: the output has another form.
    """
    words = raw.split(b"\0")
    changes = []
    try:
        for head, path in zip(words[:-1:2], words[1::2], strict=True):
            mode, new_mode, before, after, status = head.decode("ascii").split(" ")
            changes.append(
                PathChange(
                    path.decode(errors="surrogateescape"),
                    status,
                    before,
                    after,
                    mode.removeprefix(":"),
                    new_mode,
                )
            )
    except ValueError as error:
        raise SourceError(
            f"git's list of changes cannot be read: {error}", "report it, with git's version"
        ) from error
    return changes
