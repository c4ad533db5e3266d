"""Upstream's repository, which is opened only when it is needed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from builder.git.remote import PUBLIC_REMOTE, Remote

if TYPE_CHECKING:
    from builder.context import RunContext
    from builder.git.mirror import Mirror


class Upstream(msgspec.Struct, frozen=True, dict=True):  # dict: for cached_property
    """Where upstream's source is.

    Attributes:
        context: the context of the run.
        upstream_remote: upstream's repository.
        commits_remote: another repository, with commits that upstream does not have, or None.
        pull_requests: the numbers of upstream's pull requests that commits may be of.
        offline: use only what is mirrored already.
    """

    context: RunContext
    upstream_remote: Remote = PUBLIC_REMOTE
    commits_remote: Remote | None = None
    pull_requests: tuple[int, ...] = ()
    offline: bool = False

    @cached_property
    def mirror(self) -> Mirror:
        """The mirror in the cache; the repository is cloned on first use.

        Raises:
            SourceError: git is missing or too old, or the repository cannot be cloned.
        """
        from builder.git.mirror import open_mirror

        return open_mirror(
            self.context,
            self.upstream_remote,
            self.commits_remote,
            self.pull_requests,
            offline=self.offline,
        )
