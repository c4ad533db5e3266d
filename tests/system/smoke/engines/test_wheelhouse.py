"""Wheelhouses, resolved and fetched for a Python that is not ours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from builder.errors import SmokeError
from builder.smoke.engines import wheelhouse
from builder.smoke.engines.wheelhouse import PythonPlatform
from tests.support import needs

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = PythonPlatform("3.10", "x86_64"), PythonPlatform("3.13", "x86_64")


def test_the_image_s_python_decides() -> None:
    """typing-extensions comes along on 3.10 alone, whatever Python this is."""
    wanted = ["anyio==4.9.0"]
    older = wheelhouse.resolve_wheelhouse(wanted, OLD, needs.settings_of_uv(), None)
    newer = wheelhouse.resolve_wheelhouse(wanted, NEW, needs.settings_of_uv(), None)
    assert "anyio==4.9.0" in newer
    extra = {pin.split("==")[0] for pin in older} - {pin.split("==")[0] for pin in newer}
    assert extra == {"exceptiongroup", "typing-extensions"}


def test_constraints_hold(tmp_path: Path) -> None:
    """A constraints file pins what is asked for, and brings nothing of its own."""
    limits = tmp_path / "limits.txt"
    limits.write_text("six==1.16.0\nidna==3.10\n")
    assert wheelhouse.resolve_wheelhouse(["six"], NEW, needs.settings_of_uv(), limits) == (
        "six==1.16.0",
    )


def test_no_solution_is_one_clear_line() -> None:
    """It names what was wanted, and the Python."""
    with pytest.raises(SmokeError, match=r"numpy==1\.21\.0 cannot be installed on Python 3\.13"):
        wheelhouse.resolve_wheelhouse(["numpy==1.21.0"], NEW, needs.settings_of_uv(), None)


def test_wheels_are_fetched_once(tmp_path: Path) -> None:
    """The second time there is no index to ask, and none is needed."""
    pins = ("six==1.16.0", "markupsafe==3.0.2")
    first = wheelhouse.fetch_wheelhouse(pins, NEW, os.environ, tmp_path)
    assert [p.name.split("-")[0].lower() for p in first] == ["markupsafe", "six"]
    assert "cp313" in first[0].name
    closed = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "empty")}
    assert wheelhouse.fetch_wheelhouse(pins, NEW, closed, tmp_path) == first
    assert wheelhouse.fetch_wheelhouse((), NEW, closed, tmp_path) == []


def test_a_fetch_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """No half-filled wheelhouse is ever taken for a whole one."""
    closed = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "empty")}
    with pytest.raises(SmokeError, match="cannot be filled"):
        wheelhouse.fetch_wheelhouse(("six==1.16.0",), NEW, closed, tmp_path)
    assert list((tmp_path / "wheelhouse").iterdir()) == []
