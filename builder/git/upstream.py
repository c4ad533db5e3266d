"""Upstream's repository, of which nobody asks anything before it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from builder.git.mirror import Mirror, open_mirror
from builder.git.remote import PUBLIC_REMOTE, Remote

if TYPE_CHECKING:
    from builder.context import RunContext


@dataclass(frozen=True)
class Upstream:
    """Where upstream's source is.

    Attributes:
        context: of the run.
        remote: its repository.
        commits_remote: one more, which has commits that upstream does not have, or None.
        offline: use what is mirrored already, alone.
    """

    context: RunContext
    remote: Remote = PUBLIC_REMOTE
    commits_remote: Remote | None = None
    offline: bool = False

    @cached_property
    def mirror(self) -> Mirror:
        """The repository, mirrored in the cache; cloned when it is asked for first.

        Raises:
            SourceError: it cannot be had.
        """
        return open_mirror(
            self.context.settings.cache / "git",
            self.remote,
            self.commits_remote,
            self.context.env,
            self.context.settings,
            offline=self.offline,
            note=self.context.console.print_note,
            check_cancelled=self.context.check_cancelled,
        )
