"""How it is known that a release has a commit's change already."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from builder.model import NOTEBOOK_PATH

if TYPE_CHECKING:
    from builder.git import Commit, Mirror
    from builder.model import Release

_PROXY_VARIABLE = b"TENSORBOARD_PROXY_URL"


class NativeCommitFinder:
    """Looks for commits in releases; what does not depend on the release is worked out once."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._equivalents: dict[str, list[str]] = {}
        self._proxy: dict[str, bool] = {}
        self._lock = threading.Lock()

    def find_by_history(self, commit: Commit, release: Release, base: str) -> str | None:
        """By ancestry, or by the catalog; None if neither knows.

        The catalog knows of one change: the variable that upstream reads from 2.3.0 on. The commit
        on its author's fork is in no release's history, as it was squashed on its way.
        """
        if self._mirror.is_ancestor(commit.id, base):
            return "the release's history has it"
        if release.native_proxy_url and self._is_proxy_commit(commit):
            return f"the catalog: upstream's own reads {_PROXY_VARIABLE.decode()}"
        return None

    def find_by_patch_id(self, commit: Commit, base: str) -> str | None:
        """By a commit in the release's history that makes the same change to the same paths."""
        with self._lock:
            if commit.id not in self._equivalents:
                paths = [c.path for c in self._mirror.list_changes(commit.parent, commit.id)]
                self._equivalents[commit.id] = self._mirror.find_equivalents(commit, paths)
        for other in self._equivalents[commit.id]:
            if self._mirror.is_ancestor(other, base):
                return f"the release's history has the same change as {other[:12]}"
        return None

    def _is_proxy_commit(self, commit: Commit) -> bool:
        """Whether it does nothing but bring the variable into the notebook extension."""
        with self._lock:
            if commit.id not in self._proxy:
                changes = self._mirror.list_changes(commit.parent, commit.id)
                only = [(c.path, c.status) for c in changes] == [(NOTEBOOK_PATH, "M")]
                self._proxy[commit.id] = (
                    only
                    and _PROXY_VARIABLE not in self._mirror.read_blob(changes[0].before)
                    and _PROXY_VARIABLE in self._mirror.read_blob(changes[0].after)
                )
            return self._proxy[commit.id]
