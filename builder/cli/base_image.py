"""The verb `base-image`: base images without a container registry."""

from __future__ import annotations

import os
import time

import click

from builder.cli.contexts import require_extra
from builder.containers import base_images, docker_engine
from builder.errors import RequestError
from builder.system.addresses import mask_address
from builder.system.console import Console


@click.command("base-image")
@click.argument("purposes", nargs=-1, type=click.Choice(sorted(base_images.BASE_PACKAGES)))
@click.option("--mirror", metavar="URL", help="A Debian mirror; default: debootstrap's own.")
@click.option("--again", is_flag=True, help="Make it anew, with today's security updates.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def base_image(purposes: tuple[str, ...], mirror: str | None, again: bool) -> int:
    """Make base images by debootstrap from Debian's packages; needs root.

    Default: build and jupyter. The third, bare, is for .ci/bare.
    """
    console = Console()
    if mirror is not None and mask_address(mirror) != mirror:
        raise RequestError(
            "the mirror's address is malformed, or holds a password, which debootstrap would show "
            "to everybody here",
            "name one that needs none",
        )
    with require_extra("containers"):
        engine = docker_engine.connect_engine(os.environ)
    for purpose in purposes or base_images.USED_PURPOSES:
        began = time.monotonic()
        if again or not base_images.has_base_image(engine, purpose):
            console.print_note(f"debootstrap makes the base image for {purpose}; it takes a minute")
        tag, made = base_images.ensure_base_image(
            engine, purpose, os.environ, mirror=mirror, again=again
        )
        console.print_result(
            f"{tag} " + (f"made in {time.monotonic() - began:.0f} s" if made else "is there")
        )
    return 0
