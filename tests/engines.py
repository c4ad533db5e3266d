"""The real engine for tests that need one, and the base image in it."""

from __future__ import annotations

import os
from functools import cache

from builder.containers import base
from builder.containers.door import Engine, connect
from builder.containers.images import has, identify
from builder.errors import EngineError
from builder.smoke.engines.runners import DEFAULT_BASE
from tests.needs import lacking


@cache
def engine() -> Engine:
    """An engine, which `.ci/run` starts."""
    try:
        return connect(os.environ)
    except EngineError as error:
        lacking(f"{error.message}; {error.hint}")


def other_run() -> Engine:
    """The same engine, for a run of its own."""
    client = engine().client
    return Engine(client, str(client.api.base_url))


@cache
def base_image() -> str:
    """The base image for Jupyter: ours if `nox -s base_image` made it, else what can be pulled."""
    ours = base.tag_of("jupyter")
    if has(engine(), ours):
        return ours
    try:
        identify(engine(), DEFAULT_BASE)
    except EngineError as error:
        lacking(f"{error.message}; {error.hint}")
    return DEFAULT_BASE


@cache
def build_base() -> str:
    """The base image for builds from source, which has Debian's Bazel."""
    tag = base.tag_of("build")
    if not has(engine(), tag):
        lacking(f"there is no {tag}: nox -s base_image -- build")
    return tag
