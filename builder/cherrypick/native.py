"""Find out whether a release already has a commit's change."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from builder.model import NOTEBOOK_PATH

if TYPE_CHECKING:
    from builder.git.mirror import Mirror
    from builder.git.repository import Commit
    from builder.model import Release

_PROXY_VARIABLE = b"TENSORBOARD_PROXY_URL"


class NativeCommitFinder:
    """Look for commits in releases; what does not depend on the release is computed once."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._equivalents: dict[str, list[str]] = {}
        self._proxy: dict[str, bool] = {}
        self._lock = threading.Lock()

    def find_by_history(self, commit: Commit, release: Release, base: str) -> str | None:
        """Look in the release's history and in the catalog; how it is known, or None.

        The catalog records one change: the environment variable that upstream reads from 2.3.0 on.
        The commit on its author's fork is in no release's history, as it was squashed when it was
        merged.
        """
        if self._mirror.is_ancestor(commit.id, base):
            return "the release's history has it"
        if release.native_proxy_url and self._is_proxy_commit(commit):
            return f"the catalog: upstream's own reads {_PROXY_VARIABLE.decode()}"
        return None

    def find_by_patch_id(self, commit: Commit, base: str) -> str | None:
        """Look in the release's history for a commit with the same change to the same paths."""
        with self._lock:
            if commit.id not in self._equivalents:
                paths = [c.path for c in self._mirror.list_changes(commit.parent, commit.id)]
                self._equivalents[commit.id] = self._mirror.find_equivalents(commit, paths)
        for other in self._equivalents[commit.id]:
            if self._mirror.is_ancestor(other, base):
                return f"the release's history has the same change as {other[:12]}"
        return None

    def _is_proxy_commit(self, commit: Commit) -> bool:
        """Whether a commit only adds the environment variable to the notebook extension."""
        with self._lock:
            if commit.id not in self._proxy:
                changes = self._mirror.list_changes(commit.parent, commit.id)
                only_notebook = [(c.path, c.status) for c in changes] == [(NOTEBOOK_PATH, "M")]
                self._proxy[commit.id] = (
                    only_notebook
                    and _PROXY_VARIABLE not in self._mirror.read_blob(changes[0].before)
                    and _PROXY_VARIABLE in self._mirror.read_blob(changes[0].after)
                )
            return self._proxy[commit.id]
