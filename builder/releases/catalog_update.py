"""Compare the catalog with the index, and update it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from packaging.version import Version

from builder.errors import IndexLookupError
from builder.model import FIRST_RELEASE, NOTEBOOK_PATH, Release
from builder.releases import catalog as catalogs
from builder.releases.catalog import CatalogEntry
from builder.system.files import replace_file
from builder.wheel import archive, metadata
from builder.wheel.blobs import hash_git_blob
from builder.wheel.rewrite import find_dist_info

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.model import ListedWheel
    from builder.releases.catalog import CatalogDifference
    from builder.releases.index import PackageIndex
    from builder.releases.stock_wheels import FetchedWheel


def check_catalog(path: Path, index: PackageIndex) -> list[CatalogDifference]:
    """List how the index differs from the catalog now.

    Raises:
        IndexLookupError: the catalog cannot be read, or the index does not answer.
    """
    return catalogs.compare_catalog(catalogs.load_entries(path), index.list_wheels())


def update_catalog(
    path: Path, index: PackageIndex, fetch_stock: Callable[[Release], FetchedWheel]
) -> list[CatalogDifference]:
    """Update the catalog from the index; new wheels are fetched and read.

    Args:
        path: the path of the catalog file.
        index: the index that lists the releases.
        fetch_stock: returns a release's stock wheel.

    Returns:
        The differences before the update. A release that is gone from the index stays in the
        catalog: its wheel may be in caches, and people decide on its removal.

    Raises:
        IndexLookupError: the catalog cannot be read or written, or the index does not answer.
    """
    entries = catalogs.load_entries(path)
    listed = index.list_wheels()
    differences = catalogs.compare_catalog(entries, listed)
    news = [
        _make_entry(version, listed[version], fetch_stock)
        for version in {d.version for d in differences}
        if version in listed and Version(version) >= Version(FIRST_RELEASE)
    ]
    if news:
        _write_catalog(path, catalogs.dump_catalog(catalogs.merge_catalog(entries, news)))
    return differences


def _write_catalog(path: Path, content: bytes) -> None:
    try:
        replace_file(path, content)
    except OSError as error:
        raise IndexLookupError(
            f"the catalog {path} cannot be written: {error.strerror}", "name another with --catalog"
        ) from error


def _make_entry(
    version: str, wheels: list[ListedWheel], fetch_stock: Callable[[Release], FetchedWheel]
) -> CatalogEntry:
    """Make an entry of what the index and the stock wheel tell; they do not know all facts."""
    release = Release(version=version, wheels=tuple(wheels), pinned=False)
    if not release.python3_wheels or not all(w.sha256 for w in wheels):
        raise IndexLookupError(
            f"the index lists {version} without a sha256, or without a wheel for Python 3",
            "ask an index that gives hashes (PIP_INDEX_URL)",
        )
    filename = release.wheel.filename
    content = fetch_stock(release).content
    stock = archive.parse_archive(content, filename)
    document = stock.find_member(f"{find_dist_info(stock, filename)}/METADATA")
    notebook = stock.find_member(NOTEBOOK_PATH)
    # Indexes with HTML only do not list sizes (PEP 503), so the size is the downloaded file's.
    sized = (
        msgspec.structs.replace(w, size=len(content)) if w == release.wheel else w for w in wheels
    )
    requires_dist = None
    if document is not None:
        headers = metadata.parse_metadata(document.read())
        requires_dist = tuple(headers.get_values("Requires-Dist"))
    return CatalogEntry(
        version=version,
        wheels=tuple(sized),
        tag=None,
        commit=None,
        tag_is_release_commit=None,
        notebook_blob=None if notebook is None else hash_git_blob(notebook.read()),
        notebook_group=None,
        native_proxy_url=None,
        bazel=None,
        ci_python=None,
        pip_package_output=None,
        wheels_emitted=None,
        source_date_epoch=None,
        requires_dist=requires_dist,
    )
