"""`smoke`: the probes that need no engine, on a Jupyter that runs already."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.options import DEFAULT_PATCHES, Common, needs_extra, open_workshop
from builder.cli.smoking import NO_BROWSER, REPORTS, judge, walk_for
from builder.releases.catalog import DEFAULT_PATH
from builder.smoke.model import Frontend, Subject


@click.command("smoke")
@click.option("--url", required=True, help="The user's own server, such as https://hub/user/ann/.")
@click.option(
    "--token-file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file with a token of that user, in one line.",
)
@click.option(
    "--frontend",
    type=click.Choice([f.value for f in Frontend]),
    default=Frontend.LAB.value,
    show_default=True,
    help="What the browser opens.",
)
@NO_BROWSER
@REPORTS
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def smoke(url: str, token_file: Path, frontend: str, no_browser: bool, reports: Path) -> int:
    """Ask a running Jupyter everything that can be asked from outside.

    It uploads a small notebook into a directory of its own, runs it, looks at TensorBoard through
    the proxy, and takes all of it away again.
    """
    with needs_extra("smoke"):
        from builder.smoke.jupyter import existing
        from builder.smoke.run import walk
    workshop = open_workshop(Common(DEFAULT_PATH, DEFAULT_PATCHES, offline=True))
    console = workshop.console
    there = existing.parse(url, token_file, workshop.environment.ca_bundle)
    deployment, release = existing.ask(there, Frontend(frontend))
    console.note(f"TensorBoard {release}, variable {deployment.variable!r}")
    how = walk_for(workshop, "existing", there.place, reports=reports, no_browser=no_browser)
    result = walk(
        how,
        deployment,
        Subject(None, release, release),
        lambda chosen: existing.visiting(there, chosen, release),
    )
    return judge([result], reports, console)
