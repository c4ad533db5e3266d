"""Entries of the catalog of which hardly anything is known."""

from __future__ import annotations

from typing import Any

from builder.releases.catalog import CatalogEntry


def make_entry(version: str, **known: Any) -> CatalogEntry:
    """An entry without wheels; what is not said is not known."""
    unknown: dict[str, Any] = dict.fromkeys(CatalogEntry.__struct_fields__)
    return CatalogEntry(**{**unknown, "version": version, "wheels": (), **known})
