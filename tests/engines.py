"""The real engine for tests that need one, and the base image in it."""

from __future__ import annotations

import os
from functools import cache

import pytest

from builder.engine import base
from builder.engine.door import Engine, connect
from builder.errors import EngineError


@cache
def engine() -> Engine:
    """An engine; without one the test is skipped, which CI does not allow (.ci/run starts one)."""
    try:
        return connect(os.environ)
    except EngineError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{error.message}; {error.hint}")


@cache
def base_image() -> str:
    """The base image for Jupyter; `nox -s base_image` makes it."""
    tag = base.tag_of("jupyter")
    if not base.is_there(engine(), "jupyter"):
        if os.environ.get("CI"):
            pytest.fail(f"CI makes {tag} before the tests")
        pytest.skip(f"there is no {tag}: nox -s base_image")
    return tag
