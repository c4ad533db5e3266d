"""The stand-in upstream is what upstream's repository is to a release, and the same each time."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.upstream import NOTEBOOK, StandIn, git, make_upstream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.model import Release

RELEASES = ("1.14.0", "2.2.0", "2.2.1", "2.2.2", "2.3.0", "2.5.0")


@pytest.mark.parametrize("version", RELEASES)
def test_tags_have_the_releases_files(
    upstream: StandIn,
    release: Callable[[str], Release],
    stock_wheel: Callable[[str], Path],
    version: str,
) -> None:
    """As git has them: the notebook extension by its blob, some modules otherwise, some not."""
    listed = git(upstream.path, "ls-tree", "-r", version).splitlines()
    blobs = {path: head.split()[2] for head, _, path in (line.partition("\t") for line in listed)}
    assert blobs[NOTEBOOK] == release(version).notebook_blob
    with zipfile.ZipFile(stock_wheel(version)) as wheel:
        own = {n for n in wheel.namelist() if n.startswith("tensorboard/")}
        assert wheel.read("tensorboard/backend/__init__.py") == b""
    assert "licence only" in git(
        upstream.path, "show", f"{version}:tensorboard/backend/__init__.py"
    )
    module = git(upstream.path, "show", f"{version}:tensorboard/plugin_util.py")
    assert "_vendor" not in module
    assert "bleach" in module
    absent = own - set(blobs)
    assert "tensorboard/webfiles.zip" in absent
    assert absent - {f.removeprefix("third_party/generated/") for f in blobs} == {
        "tensorboard/compat/proto/__init__.py"
    }
    assert {"tensorboard/BUILD", "tensorboard/notebook_test.py"} <= set(blobs) - own


def test_it_is_the_same_repository_each_time(upstream: StandIn, tmp_path: Path) -> None:
    """Down to the ids, so that provenance made in one run can be verified in another."""
    assert make_upstream(tmp_path / "again.git").commits == upstream.commits


def test_releases_are_on_trunk_or_branch_as_upstreams_are(upstream: StandIn) -> None:
    """2.3.0 has the squashed commit in its history, 2.2.2 has 2.2.1 but not that."""
    history = git(upstream.path, "rev-list", "2.3.0").splitlines()
    assert upstream.commits["squashed"] in history
    branch = git(upstream.path, "rev-list", "2.2.2").splitlines()
    assert upstream.commits["2.2.1"] in branch
    assert upstream.commits["squashed"] not in branch
