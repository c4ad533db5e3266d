"""The sources of wheels, to build them and to rebuild them for verification."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from builder.patching.series import load_all_series

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from builder.git.upstream import Upstream
    from builder.patching.series import Series
    from builder.releases.releases import Releases


class WheelSources(NamedTuple):
    """Upstream's releases, our patches, and upstream's repository.

    Attributes:
        releases: upstream's releases, with their stock wheels.
        patches: the directory that contains the series.
        upstream: upstream's repository, with the commits to pick and the source.
        get_tool_commit: returns the git commit of this tool, or None; it may wait for git.
    """

    releases: Releases
    patches: Path
    upstream: Upstream
    get_tool_commit: Callable[[], str | None] = lambda: None

    def load_series(self, names: Sequence[str]) -> list[Series]:
        """Load the series of these names, in this order.

        Raises:
            RequestError: a name is invalid, or occurs twice.
            PatchError: a series is missing or malformed.
        """
        return load_all_series(self.patches, names)
