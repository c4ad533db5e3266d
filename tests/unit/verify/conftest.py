"""The small release and a run of `check` on its wheels, for the tests of this directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import forge
from tests.support.small_release import UNTOUCHED, make_small_release, run_check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.forge import File
    from tests.support.small_release import Checked, SmallRelease


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallRelease:
    """The small release, built once."""
    return make_small_release(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def spoiled(small: SmallRelease) -> File:
    """Its wheel with one line more in a module that no patch changes, and a RECORD to match."""
    return forge.edit(small.wheel, UNTOUCHED, lambda text: text + b"SPOILED = True\n")


@pytest.fixture
def check(
    small: SmallRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Checked]:
    """Check a wheel with this file, or none, beside it."""
    for name, value in small.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(small.directory)

    def run(wheel: File, statement: bytes | None, *options: str) -> Checked:
        path = tmp_path / wheel.filename
        path.write_bytes(wheel.content)
        if statement is not None:
            (tmp_path / f"{wheel.filename}.provenance.json").write_bytes(statement)
        return run_check(small, path, *options)

    return run
