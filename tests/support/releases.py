"""The real releases: the catalog, and stock wheels through the project's own cache."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from builder.releases import catalog as catalogs
from builder.releases.cache import Cache
from builder.releases.index import SimpleIndex
from builder.releases.stock_wheels import fetch_stock_wheel
from builder.system.console import Console
from builder.system.settings import read_user_settings
from tests.support.isolation import allow

if TYPE_CHECKING:
    from builder.model import ListedWheel

ROOT = Path(__file__).resolve().parents[2]
CATALOG = catalogs.make_catalog(catalogs.load_entries())
RELEASES = CATALOG.versions


@cache
def _index() -> SimpleIndex:
    return SimpleIndex(read_user_settings(os.environ))


def stock_path(wheel: ListedWheel) -> Path:
    """A published wheel, fetched through the project's own cache; verified."""
    store = Cache(read_user_settings(os.environ).cache)
    progress = Console().make_download_progress(wheel.filename)
    with allow():
        fetch_stock_wheel(wheel, store, _index(), progress)
    return store.get_path(wheel.sha256)
