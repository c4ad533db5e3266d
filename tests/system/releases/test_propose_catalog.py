"""A proposal of the catalog: real git and the real script; GitHub's gh is a stand-in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import msgspec
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
    shutil.copy(ROOT / _CATALOG, root / _CATALOG)
    _git(root, "add", ".")
    _git(root, "-c", "user.name=a", "-c", "user.email=a@a", "commit", "--quiet", "-m", "first")
    _git(root, "push", "--quiet", "origin", "HEAD")
    (root / "other").write_text("not to be committed")
    (tmp_path / "catalog.json").write_bytes(_propose_release())
    return root


def _propose_release(**facts: object) -> bytes:
    """Our catalog with one more release: the first one under another version, with these facts."""
    ours = json.loads((ROOT / _CATALOG).read_text())
    return _dump([*ours, ours[0] | {"version": "99.0.0"} | facts])


def _dump(document: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _git(where: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=where, check=True, capture_output=True, text=True)
    return done.stdout


def _propose(root: Path) -> subprocess.CompletedProcess[str]:
    words = [str(root / ".github" / "propose-catalog"), str(root.parent / "catalog.json")]
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
    assert _propose(tmp_path / "next-day").returncode == 0
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
    shutil.copy(ROOT / _CATALOG, tmp_path / "catalog.json")
    done = _propose(checkout)
    assert (done.returncode, done.stdout) == (0, "the catalog is unchanged\n")
    assert not (tmp_path / "gh.log").exists()


def _change_wheel(**facts: object) -> bytes:
    wheel = json.loads((ROOT / _CATALOG).read_text())[0]["wheels"][0]
    return _propose_release(wheels=[wheel | facts])


_OURS = json.loads((ROOT / _CATALOG).read_text())


_NO_CATALOGS = {
    "empty": b"",
    "script": b"#!/bin/sh\n",
    "half": b"[",
    "object": _dump({}),
    "none": _dump([]),
    "lacks one": _dump(_OURS[1:]),
    "one twice": _dump([*_OURS, _OURS[0]]),
    "number": _dump([*_OURS, 1]),
    "other format": json.dumps(_OURS).encode(),
    "hidden key": _propose_release().replace(b'"99.0.0"', b'"1.0.0",\n  "version": "99.0.0"'),
    "two documents": _propose_release() + b"[]\n",
    "version": _propose_release(version="99 ::warning::"),
    "more keys": _propose_release(more=1),
    "no wheels": _propose_release(wheels=[]),
    "two lines": _propose_release(tag="a\n::warning::b"),
    "escape": _propose_release(tag="\x1b[2J"),
    "path": _change_wheel(filename="../tensorboard-99-py3-none-any.whl"),
    "digest": _change_wheel(sha256="0" * 63),
    "address": _change_wheel(url="https://a.example/"),
    "size": _propose_release(tag="x" * 1_000_000),
}


@pytest.mark.parametrize("content", _NO_CATALOGS.values(), ids=_NO_CATALOGS)
def test_what_is_no_catalog_is_not_proposed(content: bytes, checkout: Path, tmp_path: Path) -> None:
    """The job that made it may have run anything: nothing is pushed, GitHub is not asked."""
    (tmp_path / "catalog.json").write_bytes(content)
    done = _propose(checkout)
    assert done.returncode == 1
    assert "is no catalog that could be proposed" in done.stderr
    assert _git(checkout, "status", "--porcelain", "--", _CATALOG) == ""
    assert not (tmp_path / "gh.log").exists()


def test_a_link_is_no_proposal(checkout: Path, tmp_path: Path) -> None:
    """It could name a file of the job that holds the token."""
    (tmp_path / "there").write_bytes(_propose_release())
    (tmp_path / "catalog.json").unlink()
    (tmp_path / "catalog.json").symlink_to("there")
    assert _propose(checkout).returncode == 1
    assert not (tmp_path / "gh.log").exists()
