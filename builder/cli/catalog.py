"""The verb `catalog`: compare the pinned facts with the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from builder.cli.contexts import make_context, make_releases
from builder.cli.options import CatalogOptions, catalog_options
from builder.errors import IndexLookupError
from builder.releases.catalog_update import check_catalog, update_catalog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.releases.catalog import CatalogDifference
    from builder.system.console import Console


@click.group()
def catalog() -> None:
    """The pinned facts of every release, compared with the index."""


@catalog.command()
@catalog_options
def check(common: CatalogOptions) -> int:
    """Show how the index differs from the catalog; exit code 3 if it does."""
    context = make_context(offline=common.offline)
    releases = make_releases(common, context)
    differences = check_catalog(common.catalog, releases.index)
    _show_differences(differences, context.console)
    if differences:
        raise IndexLookupError(
            f"the index differs from the catalog in {len(differences)} points",
            "look at them; `nox -s catalog -- update` takes them over",
        )
    context.console.print_result(
        f"the index is as the catalog says: {len(releases.catalog.releases)} releases"
    )
    return 0


@catalog.command()
@catalog_options
def update(common: CatalogOptions) -> int:
    """Take over what the index says, and show the difference; review it with `git diff`."""
    context = make_context(offline=common.offline)
    releases = make_releases(common, context)
    with context.console.show_progress():
        differences = update_catalog(common.catalog, releases.index, releases.fetch_stock_wheel)
    _show_differences(differences, context.console)
    gone = sum("gone from the index" in d.text for d in differences)
    left = f"; {gone} gone from the index are left to you" if gone else ""
    context.console.print_result(
        f"{common.catalog}: {len(differences) - gone} differences taken over{left}"
    )
    return 0


def _show_differences(differences: Sequence[CatalogDifference], console: Console) -> None:
    for difference in differences:
        console.print_result(f"{difference.version}: {difference.text}")
