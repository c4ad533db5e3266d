"""What system tests share: the real program, an index, the stand-in upstream."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from builder.system.ownership import make_private_directory
from builder.system.settings import read_user_settings
from tests.support.index_server import ServedFiles, serving
from tests.support.releases import CATALOG, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.support.cli import Finished, RunBuilder
    from tests.support.upstream import StandIn


@pytest.fixture
def run_builder(tmp_path: Path) -> RunBuilder:
    """Run `python -m builder …` as a user does, in a directory of its own."""

    def run(
        *words: str, env: dict[str, str] | None = None, python: Sequence[str] = (sys.executable,)
    ) -> Finished:
        return subprocess.run(
            [*python, "-m", "builder", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    """The stand-in for upstream's repository, made once for all workers; not to be changed."""
    from tests.support.upstream import StandIn, make_upstream

    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    made = root / "upstream.json"
    with (root / "upstream.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_text(json.dumps(make_upstream(root / "upstream.git").commits))
    return StandIn(root / "upstream.git", json.loads(made.read_text()))


@pytest.fixture
def own_cache(tmp_path: Path) -> Path:
    """An XDG_CACHE_HOME with the stock wheels in it and no mirror of any repository."""
    ours = tmp_path / "xdg" / "tensorboard-proxy-wheels"
    make_private_directory(ours)
    theirs = read_user_settings(os.environ).cache / "sha256"
    theirs.mkdir(parents=True, exist_ok=True)
    (ours / "sha256").symlink_to(theirs)
    return tmp_path / "xdg"


@pytest.fixture
def as_pinned() -> Iterator[dict[str, str]]:
    """Settings for an index that is just as the catalog says, whatever upstream releases today."""
    served = ServedFiles(pinned=[w for r in CATALOG.releases for w in r.wheels])
    with serving(served) as place:
        yield {"PIP_INDEX_URL": f"http://{place}/simple"}
