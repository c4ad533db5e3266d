"""Compute the outcome of a cherry-pick inside git, without writing a file.

`git merge-tree --write-tree` merges as `git cherry-pick` does (merge-ort). Only git 2.40 and later
has an option for the merge base. For 2.38 and 2.39, two temporary commits with one common parent
have the same effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from builder.errors import SourceError
from builder.git.conflicts import explain_file_conflict, find_hunks
from builder.git.remote import is_object_id
from builder.model import Conflict

if TYPE_CHECKING:
    from builder.git.repository import Repository

# Author and committer of the temporary commits.
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "tensorboard-proxy-wheels"),
        ("EMAIL", "nobody@localhost"),
        ("DATE", "@0 +0000"),
    )
}


class MergeResult(NamedTuple):
    """The tree that a merge makes, and its conflicts; a tree with conflicts must not be used."""

    tree: str
    conflicts: tuple[Conflict, ...]


class _UnmergedEntry(NamedTuple):
    """One stage of a file that conflicts: blob, stage (1 base, 2 ours, 3 theirs) and path."""

    blob: str
    stage: str
    path: str


def merge_trees(repository: Repository, base: str, ours: str, theirs: str) -> MergeResult:
    """Merge the change from `base` to `theirs` into `ours`; each is a tree or a commit.

    Raises:
        SourceError: git fails.
    """
    parent = _write_commit(repository, base)
    sides = (_write_commit(repository, tree, parent) for tree in (ours, theirs))
    words = ("merge-tree", "--write-tree", "-z", "--no-messages", *sides)
    # Exit code 1: there are conflicts (git-merge-tree(1)).
    result = repository.runner.run_git(*words, accepted_codes=(0, 1))
    tree, listed = parse_merge_output(result.stdout)
    if result.returncode == 0:
        return MergeResult(tree, ())
    paths = dict.fromkeys(entry.path for entry in listed)
    return MergeResult(
        tree, tuple(_read_conflict(repository, tree, path, listed) for path in paths)
    )


def parse_merge_output(raw: bytes) -> tuple[str, list[_UnmergedEntry]]:
    r"""Parse the output of `git merge-tree -z`: the tree, then `mode blob stage\tpath` entries.

    Raises:
        SourceError: the output does not begin with a tree, or has another form.
    """
    tree, *lines = raw.decode(errors="surrogateescape").split("\0")
    if not is_object_id(tree):
        raise SourceError("git merge-tree did not name a tree", "report it, with git's version")
    listed = []
    for line in lines:
        head, tab, path = line.partition("\t")
        if not tab:
            break
        words = head.split(" ")
        if len(words) != 3:
            raise SourceError(
                f"git merge-tree's list of conflicts cannot be read: {head[:100]!r}",
                "report it, with git's version",
            )
        listed.append(_UnmergedEntry(words[1], words[2], path))
    return tree, listed


def _write_commit(repository: Repository, tree: str, *parents: str) -> str:
    parent_options = [word for parent in parents for word in ("-p", parent)]
    return repository.runner.run_git(
        "commit-tree", f"{tree}^{{tree}}", *parent_options, "-m", "merge", env=_IDENTITY
    ).text


def _read_conflict(
    repository: Repository, tree: str, path: str, listed: list[_UnmergedEntry]
) -> Conflict:
    stages = {entry.stage for entry in listed if entry.path == path}
    if stages != {"1", "2", "3"}:
        return Conflict(path, (), explain_file_conflict(stages))
    outcome = repository.read_file(tree, path)
    return Conflict(path, tuple(find_hunks(outcome)), "both changed it")
