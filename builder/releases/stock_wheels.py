"""Get stock wheels from the cache, or from the index into the cache; always verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

from builder.errors import IndexLookupError
from builder.model import PACKAGE, Release
from builder.releases.request import make_unknown_release_error

if TYPE_CHECKING:
    from builder.model import ListedWheel
    from builder.releases.cache import Cache
    from builder.releases.catalog import Catalog
    from builder.releases.index import PackageIndex, Progress


class FetchedWheel(NamedTuple):
    """A stock wheel's bytes, and whether they were in the cache already."""

    content: bytes
    cached: bool


def fetch_stock_wheel(
    wheel: ListedWheel, cache: Cache, index: PackageIndex, progress: Progress
) -> FetchedWheel:
    """Get a stock wheel from the cache, or download it into the cache.

    Args:
        wheel: the published file; its sha256 decides, whatever the index says.
        cache: searched first, and filled.
        index: used if the cache does not have the wheel.
        progress: receives the progress of the download, in bytes.

    Raises:
        IndexLookupError: it cannot be obtained, or the index served another file.
    """
    problems: list[str] = []
    content = cache.read_file(wheel.sha256, problems.append)
    if content is not None:
        return FetchedWheel(content, cached=True)
    with cache.make_download_path() as path:
        try:
            index.download_file(wheel, path, progress)
            return FetchedWheel(cache.add_download(path, wheel.sha256), cached=False)
        except OSError as error:
            raise IndexLookupError(
                f"{wheel.filename} cannot be put into the cache: {error.strerror}",
                "make room, or set XDG_CACHE_HOME to another directory",
            ) from error
        except IndexLookupError as error:
            why = "; ".join([*problems, error.message])
            raise IndexLookupError(f"{wheel.filename}: {why}", error.hint) from error


def look_up_release(version: str, catalog: Catalog, index: PackageIndex) -> Release:
    """Look up a release that the catalog does not have, as the index lists it now.

    Raises:
        RequestError: the index does not have it either.
        IndexLookupError: the index does not answer, or lists it without sha256.
    """
    unknown = make_unknown_release_error(version, catalog)
    try:
        everything = index.list_wheels()
    except IndexLookupError as error:
        raise IndexLookupError(
            f"{unknown.message} in the catalog, and the index cannot be asked: {error.message}",
            error.hint,
        ) from error
    for listed, wheels in everything.items():
        if Version(listed) != Version(version):
            continue
        if not all(w.sha256 for w in wheels):
            raise IndexLookupError(
                f"the index lists {PACKAGE} {version} without a sha256",
                "use an index that gives hashes, or add the release to the catalog",
            )
        release = Release(version=listed, wheels=tuple(wheels), pinned=False)
        if release.python3_wheels:
            return release
    raise unknown
