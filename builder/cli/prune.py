"""The verb `prune`: remove everything of ours from the container engine."""

from __future__ import annotations

import os

import click

from builder.cli.contexts import require_extra
from builder.containers import docker_engine, leftovers
from builder.system.console import Console


@click.command()
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def prune() -> int:
    """Remove everything of ours from the engine, also what other runs use; nothing else."""
    with require_extra("containers"):
        engine = docker_engine.connect_engine(os.environ)
    removed = leftovers.remove_leftovers(engine)
    Console().print_lines("\n".join(removed) if removed else "nothing of ours is in the engine")
    return 0
