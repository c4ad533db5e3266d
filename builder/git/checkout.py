"""Find the commit of a checkout, for provenance."""

from __future__ import annotations

import os
import re
import stat
import threading
from concurrent.futures import Future, wait
from functools import partial
from typing import TYPE_CHECKING

from builder.errors import CommandError
from builder.git.git_environment import make_offline_variables, remove_git_variables
from builder.system import command
from builder.system.limits import GRACE_SECONDS
from builder.system.waiting import iterate_completed
from builder.wheel.blobs import hash_git_blob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_TIMEOUT = 20.0  # seconds for one git command
_SYMLINK, _SUBMODULE = "120000", "160000"  # modes of git's trees
_NO_FILES = (_SYMLINK, _SUBMODULE)
# What git reads as it stands, a name a line. A checkout with another name counts as changed.
_NAME = re.compile(r'[^"\n][^\n]*')


def start_finding_commit(
    root: Path, check_cancelled: Callable[[], None]
) -> Callable[[], str | None]:
    """Start `find_tool_commit` in a thread.

    Args:
        root: the checkout.
        check_cancelled: raises if the run was interrupted.

    Returns:
        A function that waits for the result; it raises what `check_cancelled` raises.
    """
    found: Future[str | None] = Future()

    def find_commit() -> None:
        try:
            found.set_result(find_tool_commit(root))
        except BaseException as error:
            found.set_exception(error)

    def wait_for_commit() -> str | None:
        try:
            next(iterate_completed((found,), check_cancelled))
        except BaseException:
            wait((found,), timeout=GRACE_SECONDS)  # until git is stopped
            raise
        return found.result()

    # A daemon, for which Python does not wait in the end: a git that hangs must not hold up Ctrl-C.
    threading.Thread(target=find_commit, daemon=True).start()
    return wait_for_commit


def find_tool_commit(root: Path) -> str | None:
    """Find the commit of a checkout, with the suffix `-dirty` if a file of the commit differs.

    This function compares the files itself, byte by byte. git's own comparison would start file
    system monitors and filters that a configuration names, also those of submodules, and would
    update the index. So a file whose stored content differs from the checked-out one (git-lfs)
    always counts as different.

    Returns:
        The full commit id, perhaps with `-dirty`; None if `root` is no checkout or has no commit
        yet, or if git is not installed.
    """
    if not (root / ".git").exists():
        return None
    env = dict(os.environ)
    remove_git_variables(env)
    # The owner of the checkout does not matter (safe.directory), as nothing in it is run. If `.git`
    # is no repository, git must not use one in a parent directory (GIT_CEILING_DIRECTORIES).
    env |= make_offline_variables([("safe.directory", str(root.resolve()))])
    env["GIT_CEILING_DIRECTORIES"] = str(root.resolve().parent)
    env["GIT_FLUSH"] = "0"  # hash-object writes its lines together, not one by one
    run_git = partial(_run_git, root, env)
    try:
        commit = run_git("rev-parse", "--verify", "HEAD^{commit}").strip()
        listing = run_git("ls-tree", "-r", "-z", "--full-tree", commit)
    except CommandError:
        return None
    entries = (line.partition("\t") for line in listing.split("\0") if line)
    tree = {path: facts.split() for facts, _, path in entries}
    return commit if _has_files(root, tree, run_git) else f"{commit}-dirty"


def _run_git(root: Path, env: Mapping[str, str], *words: str, stdin: str = "") -> str:
    return command.run_command(
        ["git", "-C", str(root), *words], timeout=_TIMEOUT, env=env, stdin=stdin
    )


def _has_files(root: Path, tree: Mapping[str, Sequence[str]], run_git: Callable[..., str]) -> bool:
    """Whether all files are as the commit has them.

    Args:
        root: the checkout.
        tree: path → mode, kind and id in git's tree.
        run_git: runs git in the checkout.
    """
    files = {path: blob for path, (mode, _, blob) in tree.items() if mode not in _NO_FILES}
    links = {path: blob for path, (mode, _, blob) in tree.items() if mode == _SYMLINK}
    try:
        if not all(_is_same_link(root / path, blob) for path, blob in links.items()):
            return False
        # os.lstat, as Path takes three times as long, for hundreds of files.
        at = f"{root}/"
        if not all(_NAME.fullmatch(p) and stat.S_ISREG(os.lstat(at + p).st_mode) for p in files):
            return False
        hashed = run_git("hash-object", "--no-filters", "--stdin-paths", stdin="\n".join(files))
    except (OSError, CommandError):  # a file is missing, or cannot be read
        return False
    return hashed.split() == list(files.values())


def _is_same_link(path: Path, blob: str) -> bool:
    return path.is_symlink() and hash_git_blob(os.fsencode(path.readlink())) == blob
