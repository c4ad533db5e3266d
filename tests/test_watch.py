"""The catalog kept up to date: real catalog and wheels, real git; index and GitHub stand in."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from builder.errors import CommandError
from builder.git.pull_request import has_pull_request, open_pull_request
from builder.releases import catalog as catalogs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import RunBuilder

# What gh does here: it keeps what it was told, and whether it had a token.
_GH = """#!/bin/sh
echo "$@" >> "$GH_LOG"
echo "token: $GH_TOKEN" >> "$GH_LOG"
case "$2" in
list) echo "$GH_LISTS" ;;
create) [ -z "$GH_REFUSES" ] || { echo "$GH_REFUSES" >&2; exit 1; }
  for word; do last=$word; done; cat "$last" >> "$GH_LOG"; echo https://a.example/pull/1 ;;
esac
"""


@pytest.mark.usefixtures("warm")
def test_a_new_release_is_taken_over_and_built(
    run_builder: RunBuilder, as_pinned: dict[str, str], tmp_path: Path
) -> None:
    """A catalog that lacks one release: found on the index, added, built, and said."""
    path = tmp_path / "catalog.json"
    facts = catalogs.load_facts()
    path.write_text(catalogs.dump_catalog([f for f in facts if f["version"] != "2.2.1"]))
    done = run_builder("watch", "--catalog", str(path), env=as_pinned)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Take over what the index says of 2.2.1")
    assert "- 2.2.1: new on the index: tensorboard-2.2.1-py3-none-any.whl" in done.stdout
    assert "| 2.2.1 | ✅ 43 checks passed |" in done.stdout
    assert "2.2.1" in {f["version"] for f in json.loads(path.read_text())}
    assert (tmp_path / "dist" / "tensorboardtmp-2.2.1-py3-none-any.whl").is_file()
    again = run_builder("watch", "--catalog", str(path), env=as_pinned)
    assert (again.returncode, again.stdout) == (0, "the index is as the catalog says\n")


def test_a_release_that_is_gone_is_a_persons_matter(
    run_builder: RunBuilder, as_pinned: dict[str, str], tmp_path: Path
) -> None:
    """Nothing is proposed; the exit code says that somebody should look."""
    path = tmp_path / "catalog.json"
    facts = catalogs.load_facts()
    path.write_text(catalogs.dump_catalog([*facts, facts[-1] | {"version": "2.99.0"}]))
    done = run_builder("watch", "--catalog", str(path), env=as_pinned)
    assert done.returncode == 3
    assert "gone from the index: 2.99.0" in done.stderr


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with one file changed, its origin, and gh's stand-in on PATH."""
    (tmp_path / "bin").mkdir()
    gh = tmp_path / "bin" / "gh"
    gh.write_text(_GH)
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{gh.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("GH_LOG", str(tmp_path / "gh.log"))
    monkeypatch.setenv("GH_LISTS", "[]")
    monkeypatch.setenv("GH_TOKEN", "canary")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    root = tmp_path / "clone"
    _git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    _git(tmp_path, "clone", "--quiet", "origin.git", "clone")
    (root / "catalog.json").write_text("[]")
    _git(root, "add", ".")
    _git(root, "-c", "user.name=a", "-c", "user.email=a@a", "commit", "--quiet", "-m", "first")
    _git(root, "push", "--quiet", "origin", "HEAD")
    (root / "catalog.json").write_text("[1]")
    (root / "other").write_text("not to be committed")
    return root


def _git(where: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=where, check=True, capture_output=True, text=True)
    return done.stdout


def test_a_proposal_is_one_commit_on_a_branch(checkout: Path, tmp_path: Path) -> None:
    """Pushed, with that file alone; gh gets the text and the token, nobody sees the token."""
    url = open_pull_request(
        checkout, checkout / "catalog.json", "catalog/abc", "Title", "The body\n"
    )
    assert url == "https://a.example/pull/1"
    shown = _git(tmp_path / "origin.git", "show", "--stat", "--format=%an %s", "catalog/abc")
    assert shown.startswith("tensorboard-proxy-wheels Title\n")
    assert "catalog.json" in shown
    assert "other" not in shown
    log = (tmp_path / "gh.log").read_text()
    assert "--head catalog/abc --title Title" in log
    assert "The body" in log
    assert "token: canary" in log


def test_a_proposal_that_was_refused_is_made_the_next_day(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub refused after the push: what it said is told, and the branch is not in the way."""
    _git(tmp_path, "clone", "--quiet", "origin.git", "next-day")
    proposal = ("catalog/abc", "Title", "The body\n")
    monkeypatch.setenv("GH_REFUSES", "GitHub Actions is not permitted to create pull requests")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
    with pytest.raises(CommandError) as caught:
        open_pull_request(checkout, checkout / "catalog.json", *proposal)
    assert "is not permitted" in caught.value.hint
    monkeypatch.delenv("GH_REFUSES")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-01-02T00:00:00Z")
    again = tmp_path / "next-day"
    (again / "catalog.json").write_text("[1]")
    assert open_pull_request(again, again / "catalog.json", *proposal) == "https://a.example/pull/1"
    shown = _git(tmp_path / "origin.git", "log", "--format=%cs", "HEAD..catalog/abc")
    assert shown == "2026-01-02\n"


def test_a_proposal_is_made_once(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open or closed, it is not opened again."""
    assert not has_pull_request(checkout, "catalog/abc")
    monkeypatch.setenv("GH_LISTS", '[{"number": 7}]')
    assert has_pull_request(checkout, "catalog/abc")


def test_without_gh_it_says_so(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what to install."""
    monkeypatch.setenv("PATH", str(checkout))
    with pytest.raises(CommandError, match="gh is not installed"):
        has_pull_request(checkout, "catalog/abc")
