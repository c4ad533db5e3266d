"""A machine with several users, and a real release for them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import needs
from tests.support.environments import Place, our_wheel
from tests.support.users import PYTHON, RELEASES, Machine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def home() -> Iterator[Place]:
    """An environment that every user may enter, into which each release is put in its turn."""
    needs.other_users()
    workdir = Path(tempfile.mkdtemp(prefix="tb-users-"))
    workdir.chmod(0o755)
    yield Place(workdir / "place", needs.python(PYTHON))
    shutil.rmtree(workdir)


@pytest.fixture(params=RELEASES)
def installed_release(request: pytest.FixtureRequest, home: Place, tmp_path: Path) -> str:
    """A release, which is in that environment now."""
    version = str(request.param)
    home.replace(our_wheel(version, tmp_path))
    return version


@pytest.fixture
def machine(home: Place) -> Iterator[Machine]:
    """A machine without any TensorBoard yet."""
    workdir = Path(tempfile.mkdtemp(prefix="machine-", dir=home.workdir))
    made = Machine(home.python, workdir, needs.other_users(home.python))
    made.temporary.mkdir()
    made.temporary.chmod(0o1777)
    (workdir / "logs").mkdir()
    workdir.chmod(0o755)
    yield made
    shutil.rmtree(workdir)
