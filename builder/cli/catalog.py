"""`catalog`: the pinned facts against the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from builder.cli.options import Common, common_options, open_workshop
from builder.errors import IndexLookupError
from builder.releases.news import check_catalog, update_catalog

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from builder.releases.catalog import Difference
    from builder.system.console import Console


@click.group()
def catalog() -> None:
    """The pinned facts of every release, compared with the index."""


@catalog.command()
@common_options
def check(catalog: Path, patches: Path, offline: bool) -> int:
    """Show how the index differs from the catalog; exit code 3 if it does."""
    workshop = open_workshop(Common(catalog, patches, offline))
    differences = check_catalog(catalog, workshop.index)
    _show(differences, workshop.console)
    if differences:
        raise IndexLookupError(
            f"the index differs from the catalog in {len(differences)} points",
            "look at them; `nox -s catalog -- update` takes them over",
        )
    workshop.console.say(
        f"the index is as the catalog says: {len(workshop.catalog.releases)} releases"
    )
    return 0


@catalog.command()
@common_options
def update(catalog: Path, patches: Path, offline: bool) -> int:
    """Take over what the index says, and show the difference; review it with `git diff`."""
    workshop = open_workshop(Common(catalog, patches, offline))
    with workshop.console.progress():
        differences = update_catalog(catalog, workshop.index, workshop.stock)
    _show(differences, workshop.console)
    gone = sum("gone from the index" in d.text for d in differences)
    left = f"; {gone} gone from the index are left to you" if gone else ""
    workshop.console.say(f"{catalog}: {len(differences) - gone} differences taken over{left}")
    return 0


def _show(differences: Sequence[Difference], console: Console) -> None:
    for difference in differences:
        console.say(f"{difference.version}: {difference.text}")
