"""A mirror that somebody else changed: what is put into it has no effect, or it is not used."""

from __future__ import annotations

import os
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from builder.errors import PatchError, SourceError
from builder.git.pick import cherry_pick
from tests.support.git_servers import Log, http_server
from tests.support.needs import lacking
from tests.support.owners import give_away, umask
from tests.support.upstream import NOTEBOOK, git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.git.mirror import Mirror
    from tests.support.upstream import OpenMirror, StandIn

HOOKS = ("post-checkout", "post-index-change", "pre-commit", "reference-transaction", "post-commit")


def _pick(mirror: Mirror, upstream: StandIn, version: str) -> str:
    """Pick the proxy commit onto a release, after it was fetched by its name; the new commit."""
    commit = mirror.read_commit(mirror.find_commit("proxy"))
    (made,) = cherry_pick(mirror, upstream.commits[version], [commit], version)
    return made


@pytest.fixture
def opened(mirrored: OpenMirror, upstream: StandIn) -> Mirror:
    """A mirror of the stand-in, opened for the first time."""
    return mirrored(upstream.path)


def test_a_changed_configuration_has_no_effect(
    mirrored: OpenMirror, upstream: StandIn, opened: Mirror, tmp_path: Path
) -> None:
    """Programs, drivers, other addresses and what includes more: the file is written anew."""
    mark, program = tmp_path / "mark", tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >>{mark}\n')
    program.chmod(0o755)
    wanted = _pick(opened, upstream, "2.2.2")
    directory = opened.runner.directory
    before = (directory / "config").read_bytes()
    (tmp_path / "more").write_text(f'[merge "mine"]\n\tdriver = {program}\n')
    for key, value in {
        "include.path": str(tmp_path / "more"),
        "remote.origin.uploadpack": str(program),
        "remote.origin.url": "file:///nowhere",
        "url.file:///nowhere.insteadOf": "file:",
        "core.sshCommand": str(program),
        "core.fsmonitor": str(program),
        "core.hooksPath": str(tmp_path),
        "core.worktree": str(tmp_path),
        "core.alternateRefsCommand": str(program),
        "credential.helper": str(program),
        "merge.default": "mine",
        "filter.mine.smudge": str(program),
        "extensions.worktreeConfig": "true",
    }.items():
        git(directory, "config", key, value)
    (directory / "config.worktree").write_text(f"[core]\n\tsshCommand = {program}\n")
    (directory / "info" / "attributes").write_text("* merge=mine filter=mine\n")
    again = mirrored(upstream.path)
    assert _pick(again, upstream, "2.2.2") == wanted
    with pytest.raises(PatchError, match=NOTEBOOK):
        _pick(again, upstream, "2.5.0")
    assert (directory / "config").read_bytes() == before
    assert not mark.exists(), mark.read_text()


def test_hooks_grafts_and_replaced_objects_have_no_effect(
    mirrored: OpenMirror, upstream: StandIn, opened: Mirror, tmp_path: Path
) -> None:
    """History and contents are the ones that the ids say, and no hook runs."""
    mark, directory = tmp_path / "mark", opened.runner.directory
    proxy, other = upstream.proxy, upstream.commits["2.5.0"]
    plain = opened.read_commit(proxy)
    blob = git(directory, "rev-parse", f"{proxy}:{NOTEBOOK}")
    content = opened.read_blob(blob)
    git(directory, "replace", proxy, other)
    lie = git(directory, "hash-object", "-w", "--stdin", stdin=b"print('theirs')\n")
    git(directory, "replace", blob, lie)
    (directory / "info" / "grafts").write_text(f"{other} {proxy}\n")
    assert git(directory, "merge-base", proxy, other) == proxy  # git itself believes it
    (directory / "hooks").mkdir()
    for name in HOOKS:
        hook = directory / "hooks" / name
        hook.write_text(f"#!/bin/sh\necho {name} >>{mark}\n")
        hook.chmod(0o755)
    again = mirrored(upstream.path)
    assert again.read_commit(proxy) == plain
    assert again.read_blob(blob) == content
    assert not again.is_ancestor(proxy, other)
    _pick(again, upstream, "2.2.2")
    assert not mark.exists(), mark.read_text()


@pytest.mark.parametrize(
    "name", ["commondir", "shallow", "objects/info/alternates", "objects/info/http-alternates"]
)
def test_a_mirror_that_leads_elsewhere_is_not_used(
    mirrored: OpenMirror, upstream: StandIn, opened: Mirror, name: str
) -> None:
    """To objects and refs of another repository, or to a history that is cut off."""
    path = opened.runner.directory / name
    path.parent.mkdir(exist_ok=True, mode=0o700)
    path.write_text(f"{upstream.path}\n")
    path.chmod(0o600)
    with pytest.raises(SourceError, match=f"it has a file `{name}`, which we never") as caught:
        mirrored(upstream.path)
    assert caught.value.hint.endswith(f"rm -r {opened.runner.directory}")


def test_a_repository_without_its_history_is_not_mirrored(
    mirrored: OpenMirror, upstream: StandIn, tmp_path: Path
) -> None:
    """As what it says on who is whose ancestor would be wrong; and git fetched without end."""
    _need_lazy_fetch_variable(tmp_path)
    source = upstream.path.as_uri()
    git(tmp_path, "clone", "--quiet", "--bare", "--depth=1", source, "cut.git")
    with pytest.raises(SourceError, match="shallow") as caught:
        mirrored(tmp_path / "cut.git")
    assert "--unshallow" in caught.value.hint


def _need_lazy_fetch_variable(tmp_path: Path) -> None:
    """Skip the test with a git that would not stop, and fill the table of processes."""
    git(tmp_path, "init", "--quiet", "--bare", "partial.git")
    for key, value in {"promisor": "true", "url": "file:///nowhere"}.items():
        git(tmp_path / "partial.git", "config", f"remote.origin.{key}", value)
    words = ["git", "--git-dir=partial.git", "cat-file", "-t", "1" * 40]
    env = {**os.environ, "GIT_NO_LAZY_FETCH": "1"}
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    if "nowhere" in done.stderr:
        lacking("this git fetches lazily, whatever GIT_NO_LAZY_FETCH says; take a newer one")


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022])
def test_a_mirror_is_the_users_alone(
    mirrored: OpenMirror, upstream: StandIn, tmp_path: Path, mask: int
) -> None:
    """Whatever the umask: as cloned, after picks, and after files were fetched into it."""
    with umask(mask), http_server(upstream.path.parent, Log()) as host:
        for version in ("2.2.1", "2.2.2", "2.2.0"):
            mirror = mirrored(f"http://{host}/upstream.git")
            _pick(mirror, upstream, version)
        mirror.export_tar(upstream.commits["2.2.1"], tmp_path / "source.tar")
        mirror = mirrored(f"http://{host}/upstream.git", offline=True)
    directory = mirror.runner.directory
    modes = {stat.S_IMODE(p.stat().st_mode) for p in (directory, *directory.rglob("*"))}
    assert modes <= {0o700, 0o600, 0o400}, modes
    assert stat.S_IMODE(directory.parent.stat().st_mode) == 0o700


def _write_to_others(path: Path) -> None:
    path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o020)


def _link(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


@pytest.mark.parametrize("spoil", [_write_to_others, give_away, _link])
@pytest.mark.parametrize("name", ["", "..", "HEAD", "objects", "objects/pack", "packed-refs"])
def test_a_mirror_that_others_could_write_is_not_used(
    mirrored: OpenMirror,
    upstream: StandIn,
    opened: Mirror,
    spoil: Callable[[Path], None],
    name: str,
) -> None:
    """It says which file or directory it is, and what to do."""
    path = (opened.runner.directory / name).resolve()
    spoil(path)
    with pytest.raises(SourceError, match=r"no mirror is used: .*(others|belongs|link)") as caught:
        mirrored(upstream.path, offline=True)
    assert str(path) in caught.value.message
    assert str(path) in caught.value.hint
