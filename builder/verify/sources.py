"""What wheels are made from, and made from again to verify them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from builder.patching.series import load_all_series

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from builder.git import Upstream
    from builder.patching.series import Series
    from builder.releases.releases import Releases


class WheelSources(NamedTuple):
    """Upstream's releases, our patches, and upstream's repository.

    Attributes:
        releases: have the stock wheels.
        patches: the directory that holds the series.
        upstream: has the commits to pick, and the source.
        tool_commit: the git commit of this tool, or None.
    """

    releases: Releases
    patches: Path
    upstream: Upstream
    tool_commit: str | None = None

    def load_series(self, names: Sequence[str]) -> list[Series]:
        """The series of these names, in this order.

        Raises:
            RequestError: a name is none, or stands twice.
            PatchError: one is missing or malformed.
        """
        return load_all_series(self.patches, names)
