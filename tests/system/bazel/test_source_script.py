"""The script that takes a release's source out of git, by dockerfiles/releases.txt."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from builder.bazel.release_table import ReleaseRow, render_release_table
from builder.git.mirror_files import ATTRIBUTES
from tests.support.releases import ROOT
from tests.support.upstream import git

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = ROOT / "dockerfiles" / "build-wheel.sh"
FIRST_COMMIT = "60393f855337e2939483301684267d1655004918"


def _run(*words: str, script: str = str(SCRIPT), **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", script, *words],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"UPSTREAM": "ext::sh -c touch% /tmp/pwned"},
        {"UPSTREAM": "--upload-pack=touch"},
        {"TB_VER": "-2.2.1"},
        {"CHERRY_PICK_COMMIT": "--no-verify"},
        {"CHERRY_PICK_COMMIT": "60393f8,--no-tags"},
        {"CHERRY_PICK_COMMIT": "60393f8,b5cd2a4,--upload-pack=touch"},
        {"CHERRY_PICK_FROM": "file::/x"},
        {"CHERRY_PICK_PULL_REQUEST": "7,--no-tags"},
    ],
)
def test_the_script_refuses_what_git_would_take_for_something_else(bad: dict[str, str]) -> None:
    """Options and transports that run programs, in any of its settings."""
    given_ = {"TB_VER": "2.2.1", "UPSTREAM": "https://upstream.invalid/x", **bad}
    done = _run("source", **given_)
    assert done.returncode == 1
    assert "git could take for something else" in done.stderr


def _repository(tmp_path: Path) -> dict[str, str]:
    """A file that goes from `one` (the tag) over `two` to `three`, each in a branch, and one more.

    Returns:
        Branch → commit; nothing refers to `released`, which is made on the tag.
    """
    where = tmp_path / "upstream"
    git(tmp_path, "init", "--quiet", "--initial-branch=one", str(where))
    git(where, "config", "uploadpack.allowAnySHA1InWant", "true")
    made = {}
    for name, parent in (("one", ""), ("two", "one"), ("three", "two"), ("released", "one")):
        git(where, "checkout", "--quiet", "-B", name, *filter(None, [parent]))
        (where / "file").write_text(f"{name}\n")
        git(where, "add", "file")
        who = ("-c", "user.name=Somebody", "-c", "user.email=nobody@localhost")
        git(where, *who, "commit", "--quiet", "--message", name)
        made[name] = git(where, "rev-parse", "HEAD")
    git(where, "tag", "2.2.1", "one")
    git(where, "checkout", "--quiet", "one")
    git(where, "branch", "--quiet", "-D", "released")
    return made


def _source(
    tmp_path: Path, commit: str, picks: str = "", *, first: str = "", **env: str
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the step by a table of one release; what it said, and the file that it made.

    `first` takes the place of the commit that this project began with.
    """
    tool = tmp_path / "tool"
    tool.mkdir(exist_ok=True)
    script = str(shutil.copy(SCRIPT, tool))
    if first:
        text = SCRIPT.read_text()
        assert text.count(FIRST_COMMIT) == 1
        (tool / SCRIPT.name).write_text(text.replace(FIRST_COMMIT, first))
    (tool / "releases.txt").write_text(
        render_release_table([ReleaseRow("2.2.1", commit, "-", "-", "tar", "-")])
    )
    src = tmp_path / "src"
    shutil.rmtree(src, ignore_errors=True)
    settings = {
        "TB_VER": "2.2.1",
        "UPSTREAM": f"file://{tmp_path}/upstream",
        "CHERRY_PICK_COMMIT": picks,
        "SRC": str(src),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **env,
    }
    done = _run("source", script=script, **settings)
    file = src / "file"
    return done, file.read_text() if file.exists() else ""


def test_the_script_takes_a_release_from_its_commit_and_says_where_it_cannot(
    tmp_path: Path,
) -> None:
    """By its id, as no branch may have it; the tag of upstream itself is no way out."""
    commits = _repository(tmp_path)
    done, content = _source(tmp_path, commits["released"])
    assert (done.returncode, content) == (0, "released\n"), done.stderr
    absent = "a" * 40
    done, content = _source(tmp_path, absent)
    assert (done.returncode, content) == (0, "one\n"), done.stderr
    assert f"has no commit {absent}, from which 2.2.1 was made: its tag is used" in done.stderr
    public = "https://github.com/tensorflow/tensorboard"
    instead = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{tmp_path}/upstream.insteadOf",
        "GIT_CONFIG_VALUE_0": public,
    }
    done, content = _source(tmp_path, absent, UPSTREAM=public, **instead)
    assert (done.returncode, content) == (1, "")
    assert f"{public} has no commit {absent}, from which 2.2.1 was made\n" in done.stderr


def test_the_script_picks_in_order_and_says_why_it_cannot(tmp_path: Path) -> None:
    """A commit that does not go on is told from one that is there already."""
    commits = _repository(tmp_path)
    two, three = commits["two"], commits["three"]
    done, content = _source(tmp_path, "-", f"two,{three}")
    assert (done.returncode, content) == (0, "three\n"), done.stderr
    done, _ = _source(tmp_path, "-", three)
    assert done.returncode == 1
    assert f"build-wheel: {three} does not go onto 2.2.1" in done.stderr
    for base, again in (("-", f"{two},{two}"), (three, two)):
        done, _ = _source(tmp_path, base, again)
        assert done.returncode == 1
        assert f"build-wheel: 2.2.1 has the change of {two} already" in done.stderr


def test_the_script_picks_what_somebody_has_published(tmp_path: Path) -> None:
    """Of upstream, a fork or a pull request that was named; or the commit that it began with."""
    commits = _repository(tmp_path)
    where, fork = tmp_path / "upstream", tmp_path / "fork"
    who = ("-c", "user.name=Somebody", "-c", "user.email=nobody@localhost")
    words = (*who, "commit-tree", f"{commits['two']}^{{tree}}", "-p", commits["one"], "-m", "other")
    other = git(where, *words)
    git(where, "update-ref", "refs/pull/7/head", other)
    git(tmp_path, "clone", "--quiet", "--bare", "--shared", str(where), str(fork))
    git(fork, "config", "uploadpack.allowAnySHA1InWant", "true")
    source = {"CHERRY_PICK_FROM": f"file://{fork}"}
    for pick, env in ((other, {}), (other[:9], {}), ("refs/pull/7/head", {}), (other, source)):
        done, content = _source(tmp_path, "-", pick, **env)
        assert (done.returncode, content) == (1, "one\n"), (pick, done.stdout)
        assert f"no commit {pick} in a branch or tag of file://{where}" in done.stderr
    pull_request = {"CHERRY_PICK_PULL_REQUEST": "7"}
    for pick in (other, other[:9]):
        done, content = _source(tmp_path, "-", pick, **pull_request)
        assert (done.returncode, content) == (0, "two\n"), (pick, done.stderr)
        assert f"{other}, of pull request 7 of file://{where}\n" in done.stdout
    done, _ = _source(tmp_path, "-", "two", CHERRY_PICK_PULL_REQUEST="8")
    assert (done.returncode, "has no pull request 8" in done.stderr) == (1, True), done.stderr
    git(fork, "update-ref", "refs/heads/mine", other)
    git(fork, "update-ref", f"refs/heads/{commits['two']}", commits["three"])
    for pick in ("mine", other, other[:9]):
        done, content = _source(tmp_path, "-", pick, **source)
        assert (done.returncode, content) == (0, "two\n"), (pick, done.stderr)
        assert f"{other}, of heads/mine of file://{fork}\n" in done.stdout
    done, content = _source(tmp_path, "-", commits["two"], **source)
    assert (done.returncode, content) == (0, "two\n"), done.stderr
    done, content = _source(tmp_path, "-", other, first=other)
    assert (done.returncode, content) == (0, "two\n"), done.stderr
    assert f"{other}, of this project: it began with that commit\n" in done.stdout


def test_no_attribute_of_the_source_changes_it_or_hides_a_conflict(tmp_path: Path) -> None:
    """Neither those of the release, nor those that are picked, nor drivers of the machine."""
    commits = _repository(tmp_path)
    where = tmp_path / "upstream"
    attributes = "* merge=union eol=crlf text export-ignore filter=upper\n"
    (where / ".gitattributes").write_text(attributes)
    git(where, "add", ".gitattributes")
    who = ("-c", "user.name=Somebody", "-c", "user.email=nobody@localhost")
    git(where, *who, "commit", "--quiet", "--message", "attributes")
    spoiled = git(where, "rev-parse", "HEAD")
    (tmp_path / "config").write_text(
        '[merge]\n\tdefault = union\n[filter "upper"]\n\tsmudge = tr a-z A-Z\n'
    )
    for configuration in (os.devnull, str(tmp_path / "config")):
        env = {"GIT_CONFIG_GLOBAL": configuration}
        done, content = _source(tmp_path, spoiled, commits["two"], **env)
        assert (done.returncode, content) == (0, "two\n"), done.stderr
        assert b"\r" not in (tmp_path / "src" / "file").read_bytes()
        for base, picks in ((spoiled, commits["three"]), ("-", f"{spoiled},{commits['three']}")):
            done, _ = _source(tmp_path, base, picks, **env)
            assert done.returncode == 1
            assert f"build-wheel: {commits['three']} does not go onto 2.2.1" in done.stderr


def test_the_script_and_the_mirror_fix_the_same_attributes() -> None:
    """What stands in two places is the same in both."""
    between = SCRIPT.read_text().partition("<<'END'\n")[2].partition("END\n")[0]
    assert tuple(between.splitlines()) == ATTRIBUTES


def test_the_script_needs_a_known_release_to_choose_a_bazel() -> None:
    """There is no Bazel to guess for a release that the table does not have."""
    done = _run("bazel", TB_VER="9.9.9")
    assert done.returncode == 1
    assert "no Bazel is known for TensorBoard 9.9.9" in done.stderr
