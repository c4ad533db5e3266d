"""The verb `summary`: what is in dist/ and reports/, as Markdown for a CI job's page."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import click

from builder.cli.output import append_text
from builder.errors import OutputError
from builder.reports.summary import WheelSummary, render_summary
from builder.smoke.results.result import read_results
from builder.system.console import Console
from builder.verify.wheel_file import read_wheel

_DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--wheels", type=_DIRECTORY, default=Path("dist"), show_default=True)
@click.option("--reports", type=_DIRECTORY, default=Path("reports"), show_default=True)
@click.option("--pictures-url", metavar="URL", help="A page that has the pictures, to link to.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def summary(wheels: Path, reports: Path, pictures_url: str | None) -> int:
    """Say what was built and tried; in GitHub Actions on the job's page."""
    text = render_summary(_read_wheels(wheels), read_results(reports), pictures_url or None)
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if not page:
        Console().print_lines(text.rstrip("\n"))
        return 0
    try:
        append_text(Path(page), text)
    except OSError as error:
        raise OutputError(
            f"the job's page {page} cannot be written: {error.strerror}",
            "unset GITHUB_STEP_SUMMARY to see it here",
        ) from error
    return 0


def _read_wheels(directory: Path) -> list[WheelSummary]:
    found = []
    for path in sorted(directory.glob("*.whl")):
        content = read_wheel(path)
        found.append(WheelSummary(path.name, len(content), hashlib.sha256(content).hexdigest()))
    return found
