"""What a commit's `.gitattributes` says on merges and contents has no effect."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from builder.errors import PatchError
from builder.git.merge import merge_trees
from builder.git.pick import cherry_pick
from tests.support.upstream import NOTEBOOK, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder
    from tests.support.upstream import OpenMirror, StandIn

WHO = ("-c", "user.name=n", "-c", "user.email=e")
MERGES = {
    "union": "* merge=union\n",
    "ours, by a driver": "* merge=take-ours\n",
    "a macro": "[attr]mine merge=union\n* mine\n",
    "a macro called merge": "[attr]merge -diff merge=union\n* merge=union\n",
    "the path itself": f"{NOTEBOOK} merge=union\n",
    "no markers": "* conflict-marker-size=1\n",
    "binary": "* binary\n",
}
CONTENTS = {
    "eol": "* text eol=crlf\n",
    "legacy eol": "* crlf=input eol=crlf\n",
    "ident": "* ident\n",
    "filter": "* filter=upper\n",
    "encoding": "* text working-tree-encoding=UTF-16LE\n",
    "subst": "* export-subst\n",
    "ignore": "* export-ignore\n",
    "a macro called merge": "[attr]merge filter=upper text eol=crlf export-ignore ident\n",
    "a macro called text": "[attr]text filter=upper\n* text\n",
    "all by a macro": "[attr]all filter=upper text eol=crlf export-subst\n* all\n",
}
# Drivers and defaults of the user's own; attributes can only name them.
GLOBAL = """\
[merge]
\tdefault = union
[merge "take-ours"]
\tdriver = true
[merge "text"]
\tdriver = true
[filter "upper"]
\tsmudge = tr a-z A-Z
\tclean = tr a-z A-Z
[diff "default"]
\tbinary = true
[core]
\tautocrlf = true
[attr]
\ttree = HEAD
[tar]
\tumask = 0077
"""


def add_commit(repository: Path, name: str, parent: str, files: dict[str, bytes]) -> str:
    """Add a commit that changes these files, on a branch of that name; its id."""
    head = f"commit refs/heads/{name}\ncommitter n <e> 1600000000 +0000\ndata 7\nattack\n"
    stream = f"{head}from {parent}\n".encode()
    for path, content in files.items():
        stream += b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content)
    git(repository, "fast-import", "--quiet", stdin=stream)
    return git(repository, "rev-parse", name)


@pytest.fixture
def theirs(upstream: StandIn, tmp_path: Path) -> Path:
    """A copy of the stand-in, to which commits are added."""
    path = tmp_path / "theirs.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(upstream.path), str(path))
    return path


@pytest.fixture(params=["alone", "with drivers"])
def user_configuration(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None, or one with the drivers that the attributes name, and other defaults."""
    path = tmp_path / "gitconfig"
    path.write_text(GLOBAL if request.param == "with drivers" else "")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))


@pytest.mark.usefixtures("user_configuration")
@pytest.mark.parametrize("attributes", MERGES.values(), ids=MERGES)
def test_no_attribute_hides_a_conflict(
    mirrored: OpenMirror, upstream: StandIn, theirs: Path, attributes: str
) -> None:
    """Of a commit picked before, of the commit itself, or of the release; merged both ways."""
    base, spoiled = upstream.commits["2.5.0"], {".gitattributes": attributes.encode()}
    first = add_commit(theirs, "first", upstream.commits["2.2.1"], spoiled)
    change = {NOTEBOOK: git(theirs, "show", f"{upstream.proxy}:{NOTEBOOK}").encode() + b"\n"}
    second = add_commit(theirs, "second", first, change)
    both = add_commit(theirs, "both", upstream.commits["2.2.1"], spoiled | change)
    spoiled_base = add_commit(theirs, "base", base, spoiled)
    git(theirs, "symbolic-ref", "HEAD", "refs/heads/base")
    mirror = mirrored(theirs)
    plain = mirror.read_commit(upstream.proxy)
    expected = merge_trees(mirror, plain.parent, base, plain.tree).conflicts
    assert expected
    for start, names in (
        (base, (first, second)),
        (base, (both,)),
        (spoiled_base, (upstream.proxy,)),
    ):
        commits = [mirror.read_commit(name) for name in names]
        with pytest.raises(PatchError, match=f"conflicts with 2.5.0 in {NOTEBOOK}"):
            cherry_pick(mirror, start, commits, "2.5.0")
        last = commits[-1]
        found = merge_trees(mirror, last.parent, start, last.tree).conflicts
        assert [c for c in found if c.path == NOTEBOOK] == list(expected)


def test_no_wheel_is_built_of_a_forced_conflict(
    run_builder: RunBuilder, own_cache: Path, upstream: StandIn, theirs: Path, tmp_path: Path
) -> None:
    """The attack as a user would meet it: one commit hides the conflicts of the next."""
    harmless = git(theirs, "show", "2.2.1:tensorboard/lazy.py").encode() + b"\n# harmless\n"
    files = {".gitattributes": b"* merge=union\n", "tensorboard/lazy.py": harmless}
    first = add_commit(theirs, "first", upstream.commits["2.2.1"], files)
    # Not upstream's own change, which 2.5.0 has.
    changed = git(theirs, "show", f"{upstream.proxy}:{NOTEBOOK}").replace("_PROXY_", "_OTHER_")
    second = add_commit(theirs, "second", first, {NOTEBOOK: f"{changed}\n".encode()})
    words = ("build", "2.5.0", "--cherry-pick", f"{first},{second}", "--upstream", str(theirs))
    done = run_builder(*words, env={"XDG_CACHE_HOME": str(own_cache)})
    assert done.returncode == 4, done.stderr
    assert f"conflicts with 2.5.0 in {NOTEBOOK}" in done.stderr
    assert not list((tmp_path / "dist").glob("*.whl"))


@pytest.mark.usefixtures("user_configuration")
@pytest.mark.parametrize("attributes", CONTENTS.values(), ids=CONTENTS)
def test_no_attribute_changes_contents(
    mirrored: OpenMirror, upstream: StandIn, theirs: Path, tmp_path: Path, attributes: str
) -> None:
    """Neither of what is picked, nor of the source that Bazel gets: each file is its blob."""
    odd = b"$Id$ $Format:%H$\r\none\ntwo\r\n"
    files = {".gitattributes": attributes.encode(), "odd.txt": odd, "deep/er/odd.txt": odd}
    start = add_commit(theirs, "start", upstream.commits["2.2.1"], files)
    more = odd + b"three\r\n"
    change = {"odd.txt": more, "deep/er/odd.txt": more}
    change[NOTEBOOK] = git(theirs, "show", f"{upstream.proxy}:{NOTEBOOK}").encode()
    pick = add_commit(theirs, "pick", start, change)
    git(theirs, "symbolic-ref", "HEAD", "refs/heads/start")
    mirror = mirrored(theirs)
    (made,) = cherry_pick(mirror, start, [mirror.read_commit(pick)], "start")
    assert mirror.read_commit(made).tree == mirror.read_commit(pick).tree
    mirror.export_tar(made, tmp_path / "source.tar")
    with tarfile.open(tmp_path / "source.tar") as tar:
        contents = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}  # type: ignore[union-attr]
        modes = {m.mode for m in tar if m.isfile()}
    listed = git(theirs, "ls-tree", "-r", "--name-only", pick).splitlines()
    assert set(contents) == set(listed)
    assert {name: contents[name] for name in change} == change
    assert modes <= {0o664, 0o775}


@pytest.mark.usefixtures("user_configuration")
def test_no_attribute_hides_that_upstream_has_a_change(
    mirrored: OpenMirror, upstream: StandIn, theirs: Path
) -> None:
    """Contents are compared as text, or as binary files, by themselves alone."""
    attributes = {".gitattributes": b"* -diff\n*.py diff=default\n"}
    start = add_commit(theirs, "start", upstream.commits["2.2.2"], attributes)
    change = {NOTEBOOK: git(theirs, "show", f"{upstream.proxy}:{NOTEBOOK}").encode() + b"\n"}
    pick = add_commit(theirs, "pick", start, change)
    git(theirs, "symbolic-ref", "HEAD", "refs/heads/start")
    mirror = mirrored(theirs)
    assert pick in mirror.find_equivalents(mirror.read_commit(upstream.proxy), [NOTEBOOK])
