"""The real engine for tests that need one, and the base image in it."""

from __future__ import annotations

import os
from functools import cache

from builder.containers import base_images
from builder.containers.docker_engine import ContainerEngine, connect_engine
from builder.containers.images import has_image, resolve_image_id
from builder.errors import EngineError
from builder.smoke.engines.runners import DEFAULT_BASE
from tests.support.needs import lacking


@cache
def engine() -> ContainerEngine:
    """An engine, which `.ci/run` starts."""
    try:
        return connect_engine(os.environ)
    except EngineError as error:
        lacking(f"{error.message}; {error.hint}")


def other_run() -> ContainerEngine:
    """The same engine, for a run of its own."""
    client = engine().client
    return ContainerEngine(client, str(client.api.base_url))


@cache
def base_image() -> str:
    """The base image for Jupyter: ours if `nox -s base_image` made it, else what can be pulled."""
    ours = base_images.make_base_tag("jupyter")
    if has_image(engine(), ours):
        return ours
    try:
        resolve_image_id(engine(), DEFAULT_BASE)
    except EngineError as error:
        lacking(f"{error.message}; {error.hint}")
    return DEFAULT_BASE


@cache
def build_base() -> str:
    """The base image for builds from source, which has Debian's Bazel."""
    tag = base_images.make_base_tag("build")
    if not has_image(engine(), tag):
        lacking(f"there is no {tag}: nox -s base_image -- build")
    return tag
