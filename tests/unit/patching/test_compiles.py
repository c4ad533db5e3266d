"""What our wheels run compiles without a warning."""

from __future__ import annotations

import warnings
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.environments import our_wheel

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("version", ["1.14.0", "1.15.0", "2.21.0"])
def test_nothing_is_warned_of_while_it_is_compiled(version: str, tmp_path: Path) -> None:
    """Every module of the wheel compiles without a SyntaxWarning, also those for TensorFlow."""
    with zipfile.ZipFile(our_wheel(version, tmp_path)) as wheel, warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in wheel.namelist():
            if name.endswith(".py"):
                compile(wheel.read(name), name, "exec")
