"""Find the commit of a checkout, for provenance."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from builder.errors import CommandError
from builder.git.git_environment import make_offline_variables, remove_git_variables
from builder.system import command
from builder.wheel.blobs import hash_git_blob

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT = 20.0  # seconds for one git command
_SYMLINK, _SUBMODULE = "120000", "160000"  # modes of git's trees


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
    git = ["git", "-C", str(root)]
    try:
        words = [*git, "rev-parse", "--verify", "HEAD^{commit}"]
        commit = command.run_command(words, timeout=_TIMEOUT, env=env).strip()
        words = [*git, "ls-tree", "-r", "-z", "--full-tree", commit]
        listing = command.run_command(words, timeout=_TIMEOUT, env=env)
    except CommandError:
        return None
    entries = (line.partition("\t") for line in listing.split("\0") if line)
    is_clean = all(_is_same_file(root / path, *facts.split()) for facts, _, path in entries)
    return commit if is_clean else f"{commit}-dirty"


def _is_same_file(path: Path, mode: str, kind: str, blob: str) -> bool:
    """Whether a file is as the commit has it, by the mode, kind and id in git's tree."""
    if mode == _SUBMODULE:
        return True
    try:
        content = os.fsencode(path.readlink()) if mode == _SYMLINK else path.read_bytes()
    except OSError:
        return False
    return (
        kind == "blob"
        and path.is_symlink() is (mode == _SYMLINK)
        and hash_git_blob(content) == blob
    )
