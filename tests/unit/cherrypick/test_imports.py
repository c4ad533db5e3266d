"""Imports that a change brings along, against what the wheel requires."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.cherrypick.imports import find_uncovered_imports
from tests.support.releases import CATALOG

_REQUIRES = ("absl-py (>=0.4)", "grpcio>=1.24.3", "protobuf<5,>=3.19.6", "Werkzeug (>=1.0.1)", "?!")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import os, cgi, distutils.version", ()),
        ("import tensorboard.util", ()),
        ("from . import x", ()),
        ("from absl import flags", ()),
        ("import grpc.aio", ()),
        ("from google.protobuf import json_format", ()),
        ("import google.auth", ("google.auth",)),
        ("import werkzeug", ()),
        ("import attr", ("attr",)),
        ("def f():\n    import IPython.display", ("IPython.display",)),
        ("from numpy import array", ("numpy.array",)),
        ("import old", ()),
        ("import six as old2", ("six",)),
        ("no python at all", ()),
    ],
)
def test_new_imports_are_found(line: str, found: tuple[str, ...]) -> None:
    """Wherever they stand; what was imported before does not count."""
    assert find_uncovered_imports(b"import old\n", line.encode(), _REQUIRES) == found


def test_every_release_tells_its_requirements() -> None:
    """The catalog has them for all, so that no wheel is needed for a verdict."""
    assert all(r.requires_dist for r in CATALOG.releases)
    assert next(r.version for r in CATALOG.releases if r.native_proxy_url) == "2.3.0"


@given(st.binary(), st.binary())
def test_any_bytes_can_be_compared(before: bytes, after: bytes) -> None:
    """Nothing is raised, and what is there before is never new."""
    assert set(find_uncovered_imports(before, before, ())) == set()
    assert isinstance(find_uncovered_imports(before, after, ()), tuple)
