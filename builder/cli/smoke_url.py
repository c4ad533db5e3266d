"""The verb `smoke`: the probes that need no engine, on a Jupyter that already runs."""

from __future__ import annotations

from pathlib import Path

import click

from builder.cli.contexts import make_context, require_extra
from builder.cli.smoke_common import (
    ReportOptions,
    make_smoke_context,
    report_options,
    report_smoke_results,
)
from builder.smoke.model import Frontend


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
@report_options
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def smoke(url: str, token_file: Path, frontend: str, report_options: ReportOptions) -> int:
    """Ask a running Jupyter everything that can be asked from outside.

    It uploads a small notebook into a directory of its own, runs it, looks at TensorBoard through
    the proxy, and takes all of it away again.
    """
    with require_extra("smoke"):
        from builder.smoke.jupyter import existing_jupyter
        from builder.smoke.run import run_deployment
    context = make_context()
    console = context.console
    existing = existing_jupyter.parse_existing_url(url, token_file, context.settings.ca_bundle)
    deployment, wheel = existing_jupyter.detect_deployment(existing, Frontend(frontend))
    console.print_note(f"TensorBoard {wheel.release}, variable {deployment.variable!r}")
    smoke_context = make_smoke_context(context, "existing", existing.host_and_port, report_options)
    result = run_deployment(
        smoke_context,
        deployment,
        wheel,
        lambda chosen: existing_jupyter.open_existing_site(existing, chosen, wheel),
    )
    return report_smoke_results([result], report_options.directory, console)
