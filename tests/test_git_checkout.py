"""The commit of a checkout: the right one, and nothing runs that a configuration names."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from builder.git import describe_checkout
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import RunBuilder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit of a file that goes through a filter."""
    root = tmp_path / "checkout"
    root.mkdir()
    _git(root, "init", "--quiet")
    (root / "file").write_text("first")
    (root / ".gitattributes").write_text("file filter=marked\n")
    _git(root, "add", ".")
    _git(root, "-c", "user.name=a", "-c", "user.email=a@a", "commit", "--quiet", "-m", "first")
    return root


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _name_programs(root: Path, mark: Path) -> None:
    """Everything in a configuration that git might start leaves that mark."""
    program = root.parent / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >>{mark}\ncat\n')
    program.chmod(0o755)
    hooks = root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "post-index-change").write_text(program.read_text())
    (hooks / "post-index-change").chmod(0o755)
    for key, value in {
        "core.fsmonitor": program,
        "filter.marked.clean": program,
        "filter.marked.smudge": program,
        "filter.marked.required": "true",
        "filter.with.dots.process": program,
    }.items():
        _git(root, "config", key, str(value))


def test_the_commit_is_that_of_the_checkout(checkout: Path) -> None:
    """In full, and `-dirty` as soon as a tracked file differs."""
    commit = _git(checkout, "rev-parse", "HEAD")
    (checkout / "untracked").write_text("")
    assert describe_checkout(checkout) == commit
    (checkout / "file").write_text("other")
    assert describe_checkout(checkout) == f"{commit}-dirty"
    assert describe_checkout(checkout.parent) is None


def test_a_checkout_starts_nothing(checkout: Path, tmp_path: Path) -> None:
    """Neither monitor, filter nor hook runs, where an ordinary `git describe` starts them."""
    mark = tmp_path / "mark"
    _name_programs(checkout, mark)
    commit = _git(checkout, "rev-parse", "HEAD")
    os.utime(checkout / "file", (0, 0))  # git has to look into the file
    assert describe_checkout(checkout) == commit
    assert not mark.exists(), mark.read_text()
    os.utime(checkout / "file", (1, 1))
    _git(checkout, "describe", "--always", "--dirty")
    assert mark.exists()


def test_variables_of_a_hook_do_not_change_the_commit_of_a_statement(
    run_builder: RunBuilder, checkout: Path, tmp_path: Path
) -> None:
    """GIT_DIR names another repository, as in a hook of it; ours is what the wheel says."""
    ours = describe_checkout(ROOT)
    if ours is None:
        pytest.skip("the tests do not run in a git checkout")
    env = {"GIT_DIR": str(checkout / ".git"), "GIT_WORK_TREE": str(checkout), "GIT_TRACE": "1"}
    done = run_builder("build", "2.2.1", env=env)
    assert done.returncode == 0, done.stderr
    assert "trace:" not in done.stderr
    (path,) = (tmp_path / "dist").glob("*.provenance.json")
    details = json.loads(path.read_text())["predicate"]["runDetails"]
    assert details["builder"]["version"]["commit"] == ours
