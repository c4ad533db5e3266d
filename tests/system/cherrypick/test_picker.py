"""Picks as a source build wants them: a commit to build from, whatever wheels ship of it."""

from __future__ import annotations

import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from builder.cherrypick.picker import make_cherry_picker
from builder.context import RunContext
from builder.git.remote import parse_remote
from builder.git.upstream import Upstream
from builder.system.console import Console
from builder.system.settings import read_user_settings
from tests.support.upstream import NOTEBOOK, git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.model import Release
    from tests.support.upstream import StandIn


@pytest.fixture
def ours(tmp_path: Path, upstream: StandIn) -> Upstream:
    """The stand-in, with a cache of its own."""
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "xdg")}
    context = RunContext(read_user_settings(env), env, Console())
    return Upstream(context, parse_remote(str(upstream.path)))


def test_without_commits_it_is_the_release(
    ours: Upstream, upstream: StandIn, release: Callable[[str], Release], tmp_path: Path
) -> None:
    """Its own commit and tree, which can be exported for a build."""
    picker = make_cherry_picker((), ours)
    picked, steps = picker.pick_commits(release("2.2.1"))
    assert (picked.head, picked.base, steps) == (upstream.commits["2.2.1"],) * 2 + ([],)
    assert picked.tree == git(upstream.path, "rev-parse", "2.2.1^{tree}")
    picker.mirror.export_tar(picked.head, tmp_path / "source.tar")
    with tarfile.open(tmp_path / "source.tar") as tar:
        names = set(tar.getnames())
    assert {"WORKSPACE", NOTEBOOK, "tensorboard/pip_package/BUILD"} <= names


def test_what_needs_bazel_can_still_be_picked(
    ours: Upstream, upstream: StandIn, release: Callable[[str], Release]
) -> None:
    """The overlay refuses such a commit, a source build takes it, on another release as well."""
    picker = make_cherry_picker(("rules", "proto"), ours)
    picked, steps = picker.pick_commits(release("2.2.2"))
    assert [s.commit.id for s in steps] == [upstream.commits[n] for n in ("rules", "proto")]
    changed = {c.path for c in picker.mirror.list_changes(picked.base, picked.head)}
    assert {"tensorboard/BUILD", "tensorboard/compat/proto/event.proto"} <= changed
    assert picked.tree == picker.mirror.read_commit(steps[-1].after).tree
