"""Cherry-picks for real, and merges worked out inside git: they agree, and leave nothing behind."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from builder.errors import PatchError, SourceError
from builder.git.merge import merge_trees
from builder.git.mirror import Mirror, open_mirror
from builder.git.pick import cherry_pick
from builder.git.remote import parse_remote
from tests.support import needs
from tests.support.git_servers import Log, http_server
from tests.support.upstream import NOTEBOOK, git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.upstream import StandIn

RELEASES = ("1.14.0", "2.2.0", "2.2.1", "2.2.2", "2.3.0", "2.5.0")


@pytest.fixture
def mirrored(tmp_path: Path) -> Callable[[str], Mirror]:
    """Open a mirror in a cache of this test's own, which must be as it was afterwards."""

    def make(address: str, cache: str = "git") -> Mirror:
        return open_mirror(
            needs.context(store=tmp_path / cache), parse_remote(address), None, offline=False
        )

    return make


@pytest.fixture
def mirror(mirrored: Callable[[str], Mirror], upstream: StandIn) -> Mirror:
    """A mirror of the stand-in."""
    return mirrored(str(upstream.path))


@pytest.mark.parametrize("name", ["proxy", "squashed", "rules", "with tests and docs", "vendored"])
@pytest.mark.parametrize("version", RELEASES)
def test_merges_in_git_agree_with_real_picks(
    mirror: Mirror, upstream: StandIn, name: str, version: str
) -> None:
    """The same tree, or both conflict in the same places, or both have nothing to do."""
    commit, base = mirror.read_commit(upstream.commits[name]), upstream.commits[version]
    merge = merge_trees(mirror, commit.parent, base, commit.tree)
    if merge.conflicts:
        with pytest.raises(PatchError) as conflict:
            cherry_pick(mirror, base, [commit], version)
        lines = [str(hunk.line) for c in merge.conflicts for hunk in c.hunks]
        assert f"({'hunks at lines' if len(lines) > 1 else 'hunk at line'} {', '.join(lines)})" in (
            conflict.value.message
        )
        return
    if merge.tree == mirror.read_commit(base).tree:
        with pytest.raises(SourceError, match=f"changes nothing in {version}"):
            cherry_pick(mirror, base, [commit], version)
        return
    (made,) = cherry_pick(mirror, base, [commit], version)
    assert mirror.read_commit(made).tree == merge.tree


def test_a_conflict_names_the_place_and_leaves_nothing(
    mirror: Mirror, upstream: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file and the line in the release's own file; no worktree, no ref, no file stays."""
    workdir = tmp_path / "tmp"
    workdir.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(workdir))
    refs = mirror.runner.run_git("for-each-ref").text
    commit = mirror.read_commit(upstream.proxy)
    with pytest.raises(PatchError) as conflict:
        cherry_pick(mirror, upstream.commits["2.5.0"], [commit], "2.5.0")
    assert upstream.proxy[:12] in conflict.value.message
    assert "conflicts with 2.5.0 in tensorboard/notebook.py" in conflict.value.message
    line = int(conflict.value.message.rpartition("line")[2].strip("s )").split(",")[0])
    theirs = git(upstream.path, "show", f"2.5.0:{NOTEBOOK}").splitlines()
    assert any("import" in text or "%PORT%" in text for text in theirs[line - 2 : line + 20])
    assert list(workdir.iterdir()) == []
    assert mirror.runner.run_git("for-each-ref").text == refs
    assert len(mirror.runner.run_git("worktree", "list").text.splitlines()) == 1
    assert not list((mirror.runner.directory / "worktrees").glob("*"))


def test_an_interrupted_pick_leaves_nothing(
    mirror: Mirror, upstream: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends it between two commits."""
    commits = [mirror.read_commit(upstream.commits[n]) for n in ("proxy", "again")]
    run = mirror.runner.run_git

    def interrupted(*words: str, **rest: object) -> object:
        if commits[1].id in words:
            raise KeyboardInterrupt
        return run(*words, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(mirror.runner, "run_git", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cherry_pick(mirror, upstream.commits["2.2.1"], commits, "2.2.1")
    assert not list((mirror.runner.directory / "worktrees").glob("*"))


def test_picks_side_by_side_do_not_meet(mirror: Mirror, upstream: StandIn) -> None:
    """In one mirror, while others read all of its history: as `build` does with many releases."""
    commit, base = mirror.read_commit(upstream.proxy), upstream.commits["2.2.2"]

    def pick(_: int) -> tuple[str, ...]:
        mirror.list_commits()
        return tuple(cherry_pick(mirror, base, [commit], "2.2.2"))

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert len(set(pool.map(pick, range(48)))) == 1


def test_a_failure_names_what_git_was_to_do(mirror: Mirror) -> None:
    """And not an option in front of it."""
    with pytest.raises(SourceError, match=r"^git checkout failed: "):
        cherry_pick(mirror, "0" * 40, [], "none")


def test_picks_are_the_same_everywhere(mirrored: Callable[..., Mirror], upstream: StandIn) -> None:
    """Two mirrors, two times: the same commits, each with its origin in the message."""
    made = []
    for cache in ("one", "two"):
        mirror = mirrored(str(upstream.path), cache)
        commits = [mirror.read_commit(upstream.commits[n]) for n in ("proxy", "again")]
        made.append(cherry_pick(mirror, upstream.commits["2.2.2"], commits, "2.2.2"))
    assert made[0] == made[1]
    message = mirror.runner.run_git("log", "-1", "--format=%B", made[0][1]).text
    assert f"(cherry picked from commit {upstream.commits['again']})" in message
    parents = [mirror.read_commit(commit).parents for commit in made[0]]
    assert parents == [(upstream.commits["2.2.2"],), (made[0][0],)]


def test_a_partial_mirror_fetches_only_what_is_picked(
    mirrored: Callable[[str], Mirror], upstream: StandIn
) -> None:
    """Of more than three hundred files, those of the changed path."""
    with http_server(upstream.path.parent, Log()) as host:
        mirror = mirrored(f"http://{host}/upstream.git")
        words = ("rev-list", "--objects", "--all", "--missing=print")
        before = git(mirror.runner.directory, *words).count("\n?")
        commit = mirror.read_commit(upstream.proxy)
        cherry_pick(mirror, upstream.commits["2.2.2"], [commit], "2.2.2")
        assert before - git(mirror.runner.directory, *words).count("\n?") <= 3
