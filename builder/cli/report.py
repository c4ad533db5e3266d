"""The verb `report`: make one HTML page of all results in a directory."""

from __future__ import annotations

from pathlib import Path

import click

from builder.errors import RequestError
from builder.reports.smoke_page import render_smoke_page
from builder.smoke.results.result import read_results
from builder.system.console import Console
from builder.system.files import write_output_file


@click.command()
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="The directory that smoke tests left.",
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def report(reports: Path) -> int:
    """Make reports/index.html: releases by deployments, with the pictures."""
    results = read_results(reports)
    if not results:
        raise RequestError(f"no results are in {reports}/", "nox -s smoke_lab -- 2.2.1")
    page = reports / "index.html"
    write_output_file(page, render_smoke_page(results).encode(), "--reports")
    Console().print_result(f"{page}: {len(results)} deployments")
    return 0
