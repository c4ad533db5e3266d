"""The option `--prune` of the verbs `build` and `base-image`."""

from __future__ import annotations

import os

import click

from builder.errors import RequestError
from builder.system.console import Console

prune_option = click.option(
    "--prune",
    is_flag=True,
    help="Remove everything of ours from the engine, also what other runs use; nothing else.",
)


def prune_engine(*other_arguments: object) -> int:
    """Remove everything of ours from the engine, and print what was removed.

    Args:
        other_arguments: the user's other arguments and options; all must be empty.

    Raises:
        RequestError: one of them is not.
        EngineError: no engine answers, or it refused something.
    """
    if any(other_arguments):
        raise RequestError(
            "--prune makes nothing: it removes everything of ours from the engine, also what "
            "other runs use",
            "say it alone, or leave it out",
        )
    from builder.containers import docker_engine, leftovers

    removed = leftovers.remove_leftovers(docker_engine.connect_engine(os.environ))
    Console().print_result("\n".join(removed) if removed else "nothing of ours is in the engine")
    return 0
