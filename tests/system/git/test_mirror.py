"""The mirror of upstream's repository: what is asked for, and when."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from builder.errors import RequestError, SourceError
from builder.git.remote import PUBLIC_REMOTE
from tests.support.git_servers import Log, http_server
from tests.support.upstream import NOTEBOOK, git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.git.mirror import Mirror
    from builder.model import Release
    from tests.support.upstream import OpenMirror, StandIn


def _missing(mirror: Mirror) -> int:
    words = ("rev-list", "--objects", "--all", "--missing=print")
    return sum(line[0] == "?" for line in git(mirror.runner.directory, *words).splitlines())


def test_a_mirror_is_partial_where_the_server_can(mirrored: OpenMirror, upstream: StandIn) -> None:
    """Files stay where they are until they are asked for; one that is asked for comes alone."""
    log = Log()
    with http_server(upstream.path.parent, log) as host:
        mirror = mirrored(f"http://{host}/upstream.git")
        before = _missing(mirror)
        assert before > 300
        (change,) = mirror.list_changes(upstream.commits["2.2.1"], upstream.proxy)
        assert change.path == NOTEBOOK
        assert b"TENSORBOARD_PROXY_URL" in mirror.read_blob(change.after)
        assert _missing(mirror) == before - 1


def test_odd_names_and_tags_are_no_obstacle(
    mirrored: OpenMirror, upstream: StandIn, release: Callable[[str], Release], tmp_path: Path
) -> None:
    """A tag of a file, a name that is not UTF-8, a directory that is called as a variable."""
    theirs = tmp_path / "$HOME"
    git(tmp_path, "clone", "--quiet", "--bare", str(upstream.path), str(theirs))
    git(theirs, "tag", "of-a-file", f"2.2.1:{NOTEBOOK}")
    git(theirs, "update-ref", "refs/tags/\udcff", "2.2.1")
    mirror = mirrored(theirs)
    found = mirror.find_release_commit(release("2.2.1"))
    assert found is not None
    assert found.commit == upstream.commits["2.2.1"]
    assert mirror.read_commit(upstream.proxy).parents


def test_a_subject_is_the_first_line_that_says_something(
    mirrored: OpenMirror, upstream: StandIn, tmp_path: Path
) -> None:
    """Also where a message begins with empty lines, as no porcelain writes it."""
    theirs = tmp_path / "theirs.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(upstream.path), str(theirs))
    raw = git(theirs, "cat-file", "commit", upstream.proxy)
    head, _, message = raw.partition("\n\n")
    (tmp_path / "commit").write_text(f"{head}\n\n\n\n{message}")
    odd = git(theirs, "hash-object", "-t", "commit", "-w", str(tmp_path / "commit"))
    git(theirs, "update-ref", "refs/heads/odd", odd)
    subjects = {mirrored(theirs).read_commit(c).subject for c in (odd, upstream.proxy)}
    assert len(subjects) == 1
    assert "" not in subjects


def test_a_whole_commit_comes_in_one_go(
    mirrored: OpenMirror, upstream: StandIn, tmp_path: Path
) -> None:
    """Exported from a partial mirror, with a handful of requests, the same bytes each time."""
    log = Log()
    with http_server(upstream.path.parent, log) as host:
        mirror = mirrored(f"http://{host}/upstream.git")
        log.requests.clear()
        mirror.export_tar(upstream.commits["2.2.1"], tmp_path / "a.tar")
        assert len(log.requests) < 6
        mirror.export_tar(upstream.commits["2.2.1"], tmp_path / "b.tar")
    git(upstream.path, "archive", "--format=tar", f"--output={tmp_path}/c.tar", "2.2.1")
    a, b, c = ((tmp_path / f"{name}.tar").read_bytes() for name in "abc")
    assert a == b == c


def test_a_server_that_cannot_filter_gives_everything(
    mirrored: OpenMirror, upstream: StandIn, tmp_path: Path
) -> None:
    """The mirror is complete then, and works as well."""
    plain = tmp_path / "plain.git"
    shutil.copytree(upstream.path, plain)
    git(plain, "config", "uploadpack.allowFilter", "false")
    mirror = mirrored(plain)
    assert _missing(mirror) == 0
    assert mirror.find_commit(upstream.proxy) == upstream.proxy


def test_nobody_is_asked_twice(mirrored: OpenMirror, upstream: StandIn) -> None:
    """What is in the mirror is not fetched again; with --offline, nobody is asked at all."""
    log = Log()
    with http_server(upstream.path.parent, log) as host:
        url = f"http://{host}/upstream.git"
        with pytest.raises(SourceError, match=r"no mirror of .* --offline asks nobody"):
            mirrored(url, offline=True)
        assert not log.requests
        mirror = mirrored(url)
        log.requests.clear()
        assert mirrored(url).find_commit(upstream.proxy) == upstream.proxy
        assert not log.requests
        alone = mirrored(url, offline=True)
        assert alone.find_commit(upstream.proxy[:12]) == upstream.proxy
        with pytest.raises(SourceError, match="--offline asks nobody"):
            alone.find_commit("1" * 40)
        with pytest.raises(SourceError):
            alone.export_tar(upstream.commits["2.2.1"], mirror.runner.directory / "x.tar")
        assert not log.requests


def test_news_are_fetched_on_demand(
    mirrored: OpenMirror, upstream: StandIn, tmp_path: Path
) -> None:
    """A commit that came after the clone; a branch that moved; one that is on none, or nowhere."""
    theirs = tmp_path / "theirs.git"
    shutil.copytree(upstream.path, theirs)
    mirror = mirrored(theirs)
    tree = git(theirs, "rev-parse", "proxy^{tree}")
    who = ("-c", "user.name=n", "-c", "user.email=e")
    new = git(theirs, *who, "commit-tree", tree, "-p", upstream.proxy, "-m", "new")
    git(theirs, "update-ref", "refs/heads/proxy", new)
    assert mirror.find_commit("proxy") == new
    other = git(theirs, *who, "commit-tree", tree, "-p", new, "-m", "on no branch")
    with pytest.raises(SourceError, match=f"no commit {other} in a branch or tag of .*theirs"):
        mirror.find_commit(other)
    with pytest.raises(SourceError, match="there is no commit 1111"):
        mirror.find_commit("1" * 40)
    with pytest.raises(RequestError, match="is no commit"):
        mirror.find_commit("--upload-pack=x")


def test_commits_may_come_from_another_repository(
    mirrored: OpenMirror, upstream: StandIn, tmp_path: Path
) -> None:
    """By id, by a shortened id, and by the name of a branch there, which goes before ours."""
    fork = tmp_path / "fork.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(upstream.path), str(fork))
    tree = git(fork, "rev-parse", "proxy^{tree}")
    who = ("-c", "user.name=n", "-c", "user.email=e")
    own = git(fork, *who, "commit-tree", tree, "-p", upstream.proxy, "-m", "own")
    git(fork, "update-ref", "refs/heads/proxy", own)
    assert mirrored(upstream.path).find_commit("proxy") == upstream.proxy
    for word in (own, own[:10], "proxy"):
        assert mirrored(upstream.path, fork).find_commit(word) == own


def test_the_catalog_decides_what_a_release_was_made_from(
    mirrored: OpenMirror, upstream: StandIn, release: Callable[[str], Release]
) -> None:
    """A tag that points elsewhere is told of; one without the catalog's commit stands in for it."""
    mirror = mirrored(upstream.path)
    true = upstream.commits["2.2.1"]
    right = replace(release("2.2.1"), commit=true)
    assert mirror.find_release_commit(right) == (true, "")
    wrong = replace(release("2.2.2"), commit=true)
    found = mirror.find_release_commit(wrong)
    assert found is not None
    assert found.commit == true
    assert f"its tag is at {upstream.commits['2.2.2'][:12]}, not at {true[:12]}" in found.note
    elsewhere = mirror.find_release_commit(release("2.2.1"))
    assert elsewhere is not None
    assert elsewhere.commit == true
    assert "does not have its commit 9d5bfa51baad: the tag is used" in elsewhere.note
    assert mirror.find_release_commit(release("2.4.0")) is None


def test_upstreams_own_repository_must_have_the_catalogs_commit(
    mirrored: OpenMirror, upstream: StandIn, release: Callable[[str], Release]
) -> None:
    """There, a tag without the commit is no release that anybody published."""
    mirrored(upstream.path)
    public = mirrored(upstream.path, offline=True)
    public.upstream_remote = PUBLIC_REMOTE
    with pytest.raises(SourceError, match="has no commit 9d5bfa51baad"):
        public.find_release_commit(release("2.2.1"))


def test_the_users_git_variables_do_not_lead_astray(
    mirrored: OpenMirror, upstream: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIT_DIR and its kin, hooks, traces and templates from the environment have no effect."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "post-commit", "reference-transaction", "pre-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (hooks / name).chmod(0o755)
    config = tmp_path / "config"
    config.write_text(f"[core]\n\thooksPath = {hooks}\n[commit]\n\tgpgSign = true\n")
    for name, value in {
        "GIT_DIR": "/nowhere",
        "GIT_WORK_TREE": "/nowhere",
        "GIT_INDEX_FILE": "/nowhere",
        "GIT_OBJECT_DIRECTORY": "/nowhere",
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_TEMPLATE_DIR": str(hooks.parent),
        "GIT_COMMITTER_NAME": "somebody",
        "GIT_CONFIG_GLOBAL": str(config),
    }.items():
        monkeypatch.setenv(name, value)
    from builder.git.git_environment import remove_git_variables
    from builder.git.pick import cherry_pick

    remove_git_variables(os.environ)

    mirror = mirrored(upstream.path)
    commit = mirror.read_commit(upstream.proxy)
    made = cherry_pick(mirror, upstream.commits["2.2.2"], [commit], "2.2.2")
    raw = mirror.runner.run_git("cat-file", "commit", made[0]).text
    assert "committer tensorboard-proxy-wheels" in raw
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "trace").exists()


def test_a_slow_reader_gets_all_that_it_is_given(mirrored: OpenMirror, upstream: StandIn) -> None:
    """More than a pipe holds, to a git that begins to read after the first look at Ctrl-C."""
    runner = mirrored(upstream.path).runner
    done = runner.run_git("-c", "alias.late=!sleep 0.5; wc -c", "late", stdin=b"x" * 300_000)
    assert done.text.strip() == "300000"
