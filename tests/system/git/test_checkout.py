"""The commit of a checkout: the right one, and nothing runs that a configuration names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from builder.git.checkout import find_tool_commit
from builder.system.waiting import wait_for
from tests.support.limits import scaled
from tests.support.needs import lacking
from tests.support.processes import wait_until_ended
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.cli import RunBuilder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit: a file, a link, and a submodule with a file."""
    inner, root = tmp_path / "inner", tmp_path / "checkout"
    for place in (inner, root):
        place.mkdir()
        _git(place, "init", "--quiet")
        (place / "file").write_text("first\n")
        attributes = b"file filter=with.dots\nlink filter=caf\xe9\n"
        (place / ".gitattributes").write_bytes(attributes)
    _commit(inner)
    (root / "link").symlink_to("file")
    _git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner))
    _commit(root)
    return root


def _git(root: Path, *words: str | bytes) -> str:
    done = subprocess.run(
        ["git", *words],
        cwd=root,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def _commit(root: Path) -> None:
    _git(root, "add", ".")
    _git(root, "-c", "user.name=a", "-c", "user.email=a@a", "commit", "--quiet", "-m", "first")


def _configure_programs(root: Path, mark: Path) -> None:
    """A monitor, a hook and filters that each write to that file when they run."""
    program = root.parent / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >>{mark}\ncat\n')
    program.chmod(0o755)
    hook = root / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(program.read_text())
    hook.chmod(0o755)
    _git(root, "config", "core.fsmonitor", str(program))
    for place in (root, root / "inner"):
        _git(place, "config", "filter.with.dots.clean", str(program))
        _git(place, "config", "filter.with.dots.required", "true")
        _git(place, "config", b"filter.caf\xe9.process", str(program))


def test_the_commit_is_that_of_the_checkout(checkout: Path) -> None:
    """In full, and `-dirty` as soon as a file of it differs, is gone, or is a link now."""
    commit = _git(checkout, "rev-parse", "HEAD")
    (checkout / "untracked").write_text("")
    assert find_tool_commit(checkout) == commit
    file = checkout / "file"
    file.write_text("other\n")
    assert find_tool_commit(checkout) == f"{commit}-dirty"
    file.unlink()
    assert find_tool_commit(checkout) == f"{commit}-dirty"
    (checkout / "same").write_text("first\n")
    file.symlink_to("same")
    assert find_tool_commit(checkout) == f"{commit}-dirty"
    file.unlink()
    file.write_text("first\n")
    assert find_tool_commit(checkout) == commit
    (checkout / "link").unlink()
    (checkout / "link").symlink_to("elsewhere")
    assert find_tool_commit(checkout) == f"{commit}-dirty"


def test_what_is_no_repository_has_no_commit(checkout: Path) -> None:
    """Neither a directory without one, nor one whose `.git` is nothing, in another's checkout."""
    assert find_tool_commit(checkout.parent) is None
    (checkout / "tool" / ".git").mkdir(parents=True)
    assert find_tool_commit(checkout / "tool") is None
    _git(checkout, "init", "--quiet", "empty")
    assert find_tool_commit(checkout / "empty") is None


def test_a_checkout_starts_nothing(checkout: Path, tmp_path: Path) -> None:
    """Neither monitor, filter nor hook runs, where an ordinary `git describe` starts them."""
    mark, index = tmp_path / "mark", checkout / ".git" / "index"
    commit = _git(checkout, "rev-parse", "HEAD")
    _configure_programs(checkout, mark)
    for path in (checkout / "file", checkout / "inner" / "file"):
        os.utime(path, (0, 0))  # git would have to look into it
    before = index.read_bytes()
    assert find_tool_commit(checkout) == commit
    assert not mark.exists(), mark.read_text()
    assert index.read_bytes() == before
    _git(checkout, "describe", "--always", "--dirty")
    assert mark.exists()


def test_a_file_that_cannot_be_read_is_another(checkout: Path) -> None:
    """A name that git would take for a quoted one, a pipe, a directory in place of a file."""
    commit = _git(checkout, "rev-parse", "HEAD")
    file = checkout / "file"
    file.unlink()
    os.mkfifo(file)
    assert find_tool_commit(checkout) == f"{commit}-dirty"
    file.unlink()
    file.mkdir()
    assert find_tool_commit(checkout) == f"{commit}-dirty"
    file.rmdir()
    file.write_text("first\n")
    assert find_tool_commit(checkout) == commit
    (checkout / '"file').write_text("")
    _commit(checkout)
    commit = _git(checkout, "rev-parse", "HEAD")
    assert find_tool_commit(checkout) == f"{commit}-dirty"


def test_a_git_that_hangs_does_not_hold_up_an_interruption(
    stock_wheel: Callable[[str], Path], tmp_path: Path
) -> None:
    """The build waits for the commit; SIGTERM ends it all the same, and nothing is written."""
    stock_wheel("2.2.1")
    if find_tool_commit(ROOT) is None:
        lacking("the tests do not run in a git checkout")
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    pid = tmp_path / "pid"
    slow.write_text(f"#!/bin/sh\necho $$ >{pid}.new\nmv {pid}.new {pid}\nexec sleep 60\n")
    slow.chmod(0o755)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{slow.parent}:{os.environ['PATH']}"}
    words = [sys.executable, "-m", "builder", "build", "2.2.1", "--offline"]
    with subprocess.Popen(words, cwd=tmp_path, env=env, stderr=subprocess.PIPE) as process:
        assert wait_for(lambda: pid.exists() or None, scaled(30))
        time.sleep(1)  # by now it waits for git
        began = time.monotonic()
        process.terminate()
        process.communicate()
        assert time.monotonic() - began < scaled(5)
    assert wait_until_ended(slow.parent, scaled(30)) == []
    assert process.returncode == 143
    assert not list((tmp_path / "dist").glob("*"))


def test_variables_of_a_hook_do_not_change_the_commit_in_provenance(
    run_builder: RunBuilder, checkout: Path, tmp_path: Path
) -> None:
    """GIT_DIR names another repository, as in a hook of it; ours is what the wheel says."""
    ours = find_tool_commit(ROOT)
    if ours is None:
        lacking("the tests do not run in a git checkout")
    env = {"GIT_DIR": str(checkout / ".git"), "GIT_WORK_TREE": str(checkout), "GIT_TRACE": "1"}
    done = run_builder("build", "2.2.1", env=env)
    assert done.returncode == 0, done.stderr
    assert "trace:" not in done.stderr
    (path,) = (tmp_path / "dist").glob("*.provenance.json")
    details = json.loads(path.read_text())["predicate"]["runDetails"]
    assert details["builder"]["version"]["commit"] == ours
