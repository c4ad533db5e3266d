"""Catalog: compare with the index, show the difference, take it over."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from builder.errors import IndexLookupError
from builder.model import FIRST_RELEASE, NOTEBOOK, Release
from builder.releases import catalog as catalogs
from builder.wheel import archive, metadata
from builder.wheel.blobs import git_blob
from builder.wheel.rewrite import find_dist_info

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.model import WheelFile
    from builder.releases.catalog import Difference, Facts
    from builder.releases.index import Index
    from builder.releases.stock import Fetched


def check_catalog(path: Path, index: Index) -> list[Difference]:
    """How the index differs from the catalog now.

    Raises:
        IndexLookupError: the catalog cannot be read, or the index does not answer.
    """
    return catalogs.compare(catalogs.load_facts(path), index.wheels())


def update_catalog(
    path: Path, index: Index, fetch_stock: Callable[[Release], Fetched]
) -> list[Difference]:
    """Take over what the index says now; new wheels are fetched and looked into.

    Args:
        path: of the catalog file.
        index: where releases are listed.
        fetch_stock: gives a release's stock wheel.

    Returns:
        What was different before. A release that is gone from the index stays in the catalog: its
        wheel may be in caches, and taking it out is a person's decision.

    Raises:
        IndexLookupError: the catalog cannot be read or written, or the index does not answer.
    """
    facts = catalogs.load_facts(path)
    listed = index.wheels()
    differences = catalogs.compare(facts, listed)
    news = {
        version: _facts(version, listed[version], fetch_stock)
        for version in {d.version for d in differences}
        if version in listed and Version(version) >= Version(FIRST_RELEASE)
    }
    if news:
        _write(path, catalogs.dump(catalogs.merge(facts, news)))
    return differences


def _write(path: Path, text: str) -> None:
    try:
        with tempfile.TemporaryDirectory(prefix=".catalog-", dir=path.parent) as room:
            new = Path(room) / path.name
            new.write_text(text, encoding="utf-8")
            new.replace(path)
    except OSError as error:
        raise IndexLookupError(
            f"the catalog {path} cannot be written: {error.strerror}", "name another with --catalog"
        ) from error


def _facts(
    version: str, wheels: list[WheelFile], fetch_stock: Callable[[Release], Fetched]
) -> Facts:
    release = Release(version=version, wheels=tuple(wheels), pinned=False)
    if not release.for_python_3 or not all(w.sha256 for w in wheels):
        raise IndexLookupError(
            f"the index lists {version} without a sha256, or without a wheel for Python 3",
            "ask an index that gives hashes (PIP_INDEX_URL)",
        )
    filename = release.wheel.filename
    content = fetch_stock(release).content
    stock = archive.parse(content, filename)
    document = stock.find(f"{find_dist_info(stock, filename)}/METADATA")
    notebook = stock.find(NOTEBOOK)
    # Indexes that speak HTML only list no sizes (PEP 503); the file itself has one.
    sized = [replace(w, size=len(content)) if w == release.wheel else w for w in wheels]
    found: dict[str, Any] = {"version": version, "wheels": [asdict(w) for w in sized]}
    found["notebook_blob"] = None if notebook is None else git_blob(notebook.read())
    if document is not None:
        found["requires_dist"] = metadata.parse(document.read()).values("Requires-Dist")
    return found
