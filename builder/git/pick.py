"""Cherry-pick commits: `git cherry-pick -x` in a temporary worktree, never forced.

The worktree is sparse, so that a partial mirror fetches only the files that the commits change.
Committer and times are fixed, so the same picks on the same release always make the same commits.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import PatchError, SourceError
from builder.git.conflicts import describe_conflicts, explain_file_conflict, find_hunks
from builder.model import Conflict
from builder.system.files import make_temporary_directory
from builder.system.input_files import MAX_DOCUMENT, read_input_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.git.repository import Commit, Repository
    from builder.git.runner import GitResult, GitRunner

_COMMITTER = {
    "GIT_COMMITTER_NAME": "tensorboard-proxy-wheels",
    "GIT_COMMITTER_EMAIL": "nobody@localhost",
}
_SPARSE = ("-c", "core.sparseCheckout=true", "-c", "core.sparseCheckoutCone=false")


def cherry_pick(
    repository: Repository, base: str, commits: Sequence[Commit], label: str
) -> list[str]:
    """Pick commits onto a base, one by one.

    Args:
        repository: stores the new commits; its refs do not change.
        base: the commit to pick onto.
        commits: the commits to pick, in order; each has at most one parent.
        label: the name of `base` in error messages.

    Returns:
        The ids of the new commits, one for each of `commits`.

    Raises:
        PatchError: a commit conflicts; the message names the commit, the files and the hunks.
        SourceError: git fails, or a commit has nothing left to change.
    """
    paths = {
        c.path for commit in commits for c in repository.list_changes(commit.parent, commit.tree)
    }
    new_commits = []
    with _open_worktree(repository, base, sorted(paths)) as tree:
        for commit in commits:
            # 1 is a conflict and 128 a fatal error; `_make_pick_error` tells them apart.
            result = tree.run_git(
                "cherry-pick",
                "-x",
                commit.id,
                env={**_COMMITTER, "GIT_COMMITTER_DATE": f"@{commit.time} +0000"},
                accepted_codes=(0, 1, 128),
            )
            if result.returncode:
                raise _make_pick_error(tree, commit, label, result)
            new_commits.append(tree.run_git("rev-parse", "HEAD").text)
    return new_commits


class _Worktree:
    """A worktree with its own git directory, which shares a mirror's objects and refs.

    It uses `commondir`, see gitrepository-layout(5). `git worktree add` would register the worktree
    in the mirror, where other git processes could read the entry half-written and take it for
    broken.
    """

    def __init__(self, runner: GitRunner, workdir: Path) -> None:
        self.path = workdir / "tree"
        self.private = workdir / "git"
        self._runner = runner

    def check_out_paths(self, base: str, paths: Sequence[str]) -> None:
        """Check out only these paths of a commit."""
        self.path.mkdir()
        (self.private / "info").mkdir(parents=True)
        (self.private / "commondir").write_text(f"{self._runner.directory.resolve()}\n")
        (self.private / "HEAD").write_text(f"{base}\n")
        patterns = "".join(f"/{_escape_pattern(path)}\n" for path in paths)
        (self.private / "info" / "sparse-checkout").write_text(patterns, errors="surrogateescape")
        self.run_git("checkout", "--quiet", "--detach", base)

    def run_git(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        accepted_codes: Sequence[int] = (0,),
    ) -> GitResult:
        """Run git in the worktree; see `GitRunner.run_git`."""
        locations = {"GIT_DIR": str(self.private), "GIT_WORK_TREE": str(self.path)}
        return self._runner.run_git(
            *_SPARSE, *words, env={**locations, **(env or {})}, accepted_codes=accepted_codes
        )


@contextmanager
def _open_worktree(repository: Repository, base: str, paths: Sequence[str]) -> Iterator[_Worktree]:
    """Open a worktree that has only these paths; it is always removed afterwards."""
    with make_temporary_directory("tensorboard-wheels-pick-") as workdir:
        tree = _Worktree(repository.runner, Path(workdir).resolve())
        tree.check_out_paths(base, paths)
        yield tree


def _escape_pattern(path: str) -> str:
    return "".join(f"\\{c}" if c in "*?[\\!# " else c for c in path)


def _make_pick_error(
    tree: _Worktree, commit: Commit, label: str, done: GitResult
) -> PatchError | SourceError:
    listed = tree.run_git("ls-files", "--unmerged", "-z").stdout
    conflicts = _read_conflicts(tree.path, listed.decode(errors="surrogateescape"))
    if conflicts:
        return PatchError(
            f"commit {commit.id[:12]} ({commit.subject}) conflicts with {label} in "
            f"{describe_conflicts(conflicts)}",
            "pick the commits that it builds on first, or make a series; nothing is ever forced",
        )
    if "empty" in done.stderr or b"nothing to commit" in done.stdout:
        return SourceError(
            f"commit {commit.id[:12]} ({commit.subject}) changes nothing in {label}",
            f"leave it out: {label} has its change already",
        )
    return SourceError(
        f"git cherry-pick of {commit.id[:12]} failed: {done.error_line}", "see --debug"
    )


def _read_conflicts(tree: Path, listed: str) -> list[Conflict]:
    stages: dict[str, set[str]] = {}
    for entry in filter(None, listed.split("\0")):
        head, _, path = entry.partition("\t")
        stages.setdefault(path, set()).add(head.split(" ")[2])
    return [
        Conflict(path, tuple(find_hunks(_read_merged_file(tree / path))), "both changed it")
        if found == {"1", "2", "3"}
        else Conflict(path, (), explain_file_conflict(found))
        for path, found in stages.items()
    ]


def _read_merged_file(path: Path) -> bytes:
    """Read a file with conflict markers; b"" for what has none, such as a link or a submodule."""
    if path.is_symlink():  # it may lead anywhere
        return b""
    try:
        return read_input_file(path, MAX_DOCUMENT)
    except OSError:
        return b""
