"""A proposal of the catalog: real git and the real script; GitHub's gh is a stand-in."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.releases import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# What gh does here: it keeps its arguments, and whether it has a token.
_GH = """#!/bin/sh
echo "$@" >> "$GH_LOG"
echo "token: $GH_TOKEN" >> "$GH_LOG"
case "$2" in
list) echo "$GH_LISTS" ;;
create) [ -z "$GH_REFUSES" ] || { echo "$GH_REFUSES" >&2; exit 1; }
  echo https://a.example/pull/1 ;;
esac
"""
_CATALOG = "builder/data/catalog.json"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone whose catalog has changed, its origin, and gh's stand-in on PATH."""
    (tmp_path / "bin").mkdir()
    gh = tmp_path / "bin" / "gh"
    gh.write_text(_GH)
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{gh.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("GH_LOG", str(tmp_path / "gh.log"))
    monkeypatch.setenv("GH_LISTS", "0")
    monkeypatch.setenv("GH_TOKEN", "canary")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    root = tmp_path / "clone"
    _git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    _git(tmp_path, "clone", "--quiet", "origin.git", "clone")
    (root / ".github").mkdir()
    (root / "builder" / "data").mkdir(parents=True)
    shutil.copy(ROOT / ".github" / "propose-catalog", root / ".github")
    (root / _CATALOG).write_text("[]")
    _git(root, "add", ".")
    _git(root, "-c", "user.name=a", "-c", "user.email=a@a", "commit", "--quiet", "-m", "first")
    _git(root, "push", "--quiet", "origin", "HEAD")
    (root / _CATALOG).write_text("[1]")
    (root / "other").write_text("not to be committed")
    return root


def _git(where: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=where, check=True, capture_output=True, text=True)
    return done.stdout


def _propose(root: Path) -> subprocess.CompletedProcess[str]:
    words = [str(root / ".github" / "propose-catalog")]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_a_proposal_is_one_commit_on_a_branch(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pushed, with that file alone; gh gets the text and the token, which nobody else sees."""
    monkeypatch.setenv("BUILD", "failure")
    done = _propose(checkout)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "https://a.example/pull/1\n"
    branch = (tmp_path / "outputs").read_text().removeprefix("branch=").strip()
    assert branch.startswith("catalog/")
    shown = _git(tmp_path / "origin.git", "show", "--stat", "--format=%an %s", branch)
    assert shown.startswith("tensorboard-proxy-wheels Take over what the index says\n")
    assert _CATALOG in shown
    assert "other" not in shown
    log = (tmp_path / "gh.log").read_text()
    assert f"--head {branch} --title Take over" in log
    assert "1 file changed" in log
    assert "with this change: failure." in log
    assert "token: canary" in log
    assert "canary" not in shown + done.stdout + done.stderr


def test_a_proposal_that_was_refused_is_made_the_next_day(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub refuses after the push: its reason is shown, and the branch is not in the way."""
    _git(tmp_path, "clone", "--quiet", "origin.git", "next-day")
    monkeypatch.setenv("GH_REFUSES", "GitHub Actions is not permitted to create pull requests")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
    refused = _propose(checkout)
    assert refused.returncode != 0
    assert "is not permitted" in refused.stderr
    monkeypatch.delenv("GH_REFUSES")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-01-02T00:00:00Z")
    again = tmp_path / "next-day"
    (again / _CATALOG).write_text("[1]")
    assert _propose(again).returncode == 0
    branch = (tmp_path / "outputs").read_text().removeprefix("branch=").strip()
    shown = _git(tmp_path / "origin.git", "log", "--format=%cs", f"HEAD..{branch}")
    assert shown == "2026-01-02\n"


def test_nothing_is_proposed_twice(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever became of the first, it is not opened again; the checkout stays as it is."""
    monkeypatch.setenv("GH_LISTS", "1")
    done = _propose(checkout)
    assert (done.returncode, "was proposed before" in done.stdout) == (0, True)
    assert _git(checkout, "branch", "--list", "catalog/*") == ""


def test_an_unchanged_catalog_is_not_proposed(checkout: Path, tmp_path: Path) -> None:
    """GitHub is not asked."""
    (checkout / _CATALOG).write_text("[]")
    done = _propose(checkout)
    assert (done.returncode, done.stdout) == (0, "the catalog is unchanged\n")
    assert not (tmp_path / "gh.log").exists()
