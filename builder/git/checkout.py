"""The commit of a checkout, for provenance."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from builder.errors import CommandError
from builder.git.git_environment import make_offline_variables, remove_git_variables
from builder.system import command
from builder.wheel.blobs import hash_git_blob

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT = 20.0
_SYMLINK, _SUBMODULE = "120000", "160000"  # modes of git's trees


def describe_checkout(root: Path) -> str | None:
    """The commit of a checkout, with `-dirty` behind it where a file of the commit differs.

    The files are compared here, byte by byte. git's own comparison starts file system monitors and
    filters that a configuration names, also those of submodules, and writes what it found into the
    index. So a file that is stored otherwise than it lies there (git-lfs) differs always.

    Returns:
        The full commit, perhaps with `-dirty`; None where `root` is no checkout, has no commit yet,
        or there is no git.
    """
    if not (root / ".git").exists():
        return None
    env = dict(os.environ)
    remove_git_variables(env)
    # Of whom the checkout is does not matter, as nothing of it is run. A `.git` that is no
    # repository must not lead to one further up.
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
    same = all(_is_same_file(root / path, *about.split()) for about, _, path in entries)
    return commit if same else f"{commit}-dirty"


def _is_same_file(path: Path, mode: str, kind: str, blob: str) -> bool:
    """Whether a file has the content that the commit has, by mode, kind and id of git's tree."""
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
