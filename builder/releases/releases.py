"""Upstream's releases: pinned in the catalog, listed by the index, stored in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from builder.releases.request import parse_release_request
from builder.releases.stock_wheels import FetchedWheel, fetch_stock_wheel, look_up_release

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.context import RunContext
    from builder.model import Release
    from builder.releases.cache import Cache
    from builder.releases.catalog import Catalog
    from builder.releases.index import PackageIndex


class Releases(msgspec.Struct, frozen=True):
    """The releases that are available to one run.

    Attributes:
        catalog: the pinned releases.
        index: the index with the other releases, and with the wheels of all.
        cache: stock wheels that were fetched before.
        context: the context of the run.
    """

    catalog: Catalog
    index: PackageIndex
    cache: Cache
    context: RunContext

    def find_requested(self, words: Sequence[str]) -> list[Release]:
        """Find the releases that words such as `2.2.1`, `all` or `>=2.0` stand for.

        A release that the catalog does not have is looked up in the index, with a note.

        Raises:
            RequestError: a word stands for no release.
            IndexLookupError: one cannot be looked up.
        """
        requested = parse_release_request(words, self.catalog)
        found = list(requested.releases)
        note = self.context.console.print_note
        for version in requested.unknown:
            release = look_up_release(version, self.catalog, self.index)
            note(
                f"{release.version} is not in the catalog; used as the index lists it now "
                "(`nox -s catalog -- update` pins it)"
            )
            found.append(release)
        for release in found:
            if release.yanked:
                note(f"{release.version} is yanked upstream")
        return found

    def fetch_stock_wheel(self, release: Release) -> FetchedWheel:
        """Get a release's stock wheel, verified.

        Raises:
            IndexLookupError: it cannot be obtained.
        """
        wheel = release.wheel
        progress = self.context.console.make_download_progress(
            wheel.filename, self.context.check_cancelled
        )
        return fetch_stock_wheel(wheel, self.cache, self.index, progress)
