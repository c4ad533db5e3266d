"""The program builds with cherry-picked commits: through the overlay where that is sound."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from builder.wheel.blobs import hash_git_blob
from tests.support.cli import WHEEL, Finished, sha256
from tests.support.upstream import NOTEBOOK, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder
    from tests.support.upstream import StandIn

pytestmark = pytest.mark.usefixtures("warm")
Run = Callable[..., Finished]


@pytest.fixture
def run(run_builder: RunBuilder, own_cache: Path, upstream: StandIn) -> Run:
    """Run a verb on the stand-in, with a cache of this test's own."""

    def words(*words: str, **env: str) -> Finished:
        whole_env = {"XDG_CACHE_HOME": str(own_cache), **env}
        return run_builder(*words, "--upstream", str(upstream.path), env=whole_env)

    return words


def _statement(directory: Path) -> Any:
    document = json.loads((directory / f"{WHEEL}.provenance.json").read_text())
    return document["predicate"]["buildDefinition"]


def test_a_picked_commit_is_in_the_wheel(run: Run, upstream: StandIn, tmp_path: Path) -> None:
    """Exactly as git made it, without the default series; checks and provenance hold."""
    done = run("build", "2.2.1", "--cherry-pick", upstream.proxy)
    assert done.returncode == 0, done.stderr
    assert "the tag is used" in done.stderr
    wanted = git(upstream.path, "rev-parse", f"{upstream.proxy}:{NOTEBOOK}")
    with zipfile.ZipFile(tmp_path / "dist" / WHEEL) as wheel:
        assert hash_git_blob(wheel.read(NOTEBOOK)) == wanted
        metadata = wheel.read("tensorboardtmp-2.2.1.dist-info/METADATA").decode()
    assert f"TensorBoard 2.2.1 with the cherry-picked commit {upstream.proxy}," in metadata
    assert "series" not in metadata
    asked = _statement(tmp_path / "dist")["externalParameters"]
    assert (asked["series"], asked["cherryPick"]) == (
        [],
        {"commits": [upstream.proxy], "upstream": upstream.path.as_uri(), "from": None},
    )
    checked = run("check", f"dist/{WHEEL}", "--provenance", "--cherry-pick", "proxy")
    assert checked.returncode == 0, checked.stderr
    assert "stock wheel and commits; a rebuild gives the same bytes" in checked.stdout


def test_provenance_names_commits_and_tree(run: Run, upstream: StandIn, tmp_path: Path) -> None:
    """The release's commit, the picked ones, the tree; what was left out; no word of the cache."""
    picks = f"{upstream.proxy},{upstream.commits['again']}"
    done = run("build", "2.2.1", "--cherry-pick", picks)
    assert done.returncode == 0, done.stderr
    definition = _statement(tmp_path / "dist")
    uri = f"git+{upstream.path.as_uri()}"
    commits = (upstream.commits["2.2.1"], upstream.proxy, upstream.commits["again"])
    materials = definition["resolvedDependencies"]
    assert [m for m in materials if "gitCommit" in m["digest"]] == [
        {"uri": f"{uri}@{c}", "name": name, "digest": {"gitCommit": c}}
        for c, name in zip(
            commits, ("release", "cherry-picked commit", "cherry-picked commit"), strict=True
        )
    ]
    source = definition["internalParameters"]["source"]
    tree = git(upstream.path, "rev-parse", f"{upstream.commits['again']}^{{tree}}")
    assert source["picked"]["gitTree"] == tree
    beside = (tmp_path / "dist" / f"{WHEEL}.provenance.json").read_text()
    assert str(tmp_path) not in beside


def test_what_no_wheel_ships_is_left_out_and_named(run: Run, tmp_path: Path) -> None:
    """Tests and docs of the commit stand in the outcome and in the statement, not in the wheel."""
    done = run("build", "2.2.1", "--cherry-pick", "with-tests-and-docs")
    assert done.returncode == 0, done.stderr
    left = ["docs/notebooks.md", "tensorboard/notebook_test.py"]
    assert f"left out        {', '.join(left)}" in done.stdout
    source = _statement(tmp_path / "dist")["internalParameters"]["source"]
    assert source["leftOut"] == left
    assert "changed         tensorboard/notebook.py\n" in done.stdout


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("rules", "needs Bazel: tensorboard/BUILD"),
        ("proto", "needs Bazel: tensorboard/compat/proto/event.proto"),
        ("page", "needs Bazel: tensorboard/components/tf_tensorboard/tf-tensorboard.html"),
        ("vendored", "needs Bazel: tensorboard/plugin_util.py (the stock wheel's is not its git"),
        ("new-module", "needs Bazel: tensorboard/proxy.py"),
        ("removed-module", "needs Bazel: tensorboard/lazy.py (the wheel would lose it)"),
        ("only-docs", "change nothing that the wheel of 2.2.1 ships: docs/notebooks.md"),
    ],
)
def test_unsound_overlays_are_refused(run: Run, tmp_path: Path, name: str, why: str) -> None:
    """With the path, why, and what to do; nothing is written."""
    done = run("build", "2.2.1", "--cherry-pick", name)
    assert (done.returncode, why in done.stderr) == (4, True), done.stderr
    assert not (tmp_path / "dist").exists()


def test_conflicts_and_natives_side_by_side(run: Run, upstream: StandIn, tmp_path: Path) -> None:
    """One release has it already and is built without; another conflicts; both are said."""
    done = run("build", "2.2.2", "2.3.0", "1.14.0", "--cherry-pick", upstream.proxy)
    assert done.returncode == 4
    assert "conflicts with 1.14.0 in tensorboard/notebook.py (hunks at lines" in done.stderr
    assert "2 of 3 releases built" in done.stdout
    names = {p.name for p in (tmp_path / "dist").glob("*.whl")}
    assert names == {f"tensorboardtmp-{v}-py3-none-any.whl" for v in ("2.2.2", "2.3.0")}


def test_a_series_goes_on_top_when_it_is_named(run: Run, upstream: StandIn, tmp_path: Path) -> None:
    """Picks first, then the series; the notice and the statement name both."""
    done = run("build", "2.2.1", "--cherry-pick", upstream.proxy, "--series", "today")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "dist" / WHEEL) as wheel:
        metadata = wheel.read("tensorboardtmp-2.2.1.dist-info/METADATA").decode()
    assert f"cherry-picked commit {upstream.proxy} and with the patch series today," in metadata
    checked = run("check", f"dist/{WHEEL}", "--provenance", "--cherry-pick", "proxy")
    assert checked.returncode == 0, checked.stderr


def test_a_new_import_is_told(run: Run) -> None:
    """One that no requirement brings: the wheel may not import where it is installed."""
    done = run("build", "2.2.1", "--cherry-pick", "import")
    assert done.returncode == 0, done.stderr
    assert "2.2.1: attr is imported anew, and no requirement brings it" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "reported"),
    [
        (("2.2.1", "--cherry-pick", "--exec=x"), 2, "'--exec=x' is no commit"),
        (("2.2.1", "--cherry-pick", "a..b"), 2, "'a..b' is no commit"),
        (("2.2.1", "--cherry-pick", ""), 2, "'' is no commit"),
        (("2.2.1", "--cherry-pick", "proxy,proxy"), 2, "is to be picked twice"),
        (("2.2.1", "--from", "."), 2, "--from names where commits are"),
        (("2.2.1", "--pull-request", "7"), 2, "--pull-request names where commits are"),
        (("2.2.1", "--cherry-pick", "proxy", "--pull-request", "0"), 2, "0 is not in the range"),
        (
            ("2.2.1", "--cherry-pick", "proxy", "--pull-request", "7"),
            15,
            "couldn't find remote ref refs/pull/7/head",
        ),
        (("2.2.1", "--cherry-pick", "proxy", "--from", "ext::sh -c x"), 2, "transport program"),
        (("2.2.1", "--cherry-pick", "1" * 40), 15, "there is no commit 1111"),
        (("2.2.1", "--cherry-pick", "no-such-branch"), 15, "there is no commit no-such-branch"),
        (("2.2.1", "--cherry-pick", "nothing"), 15, "changes no file"),
        (("2.2.1", "--cherry-pick", "merge"), 15, "is a merge of 2 commits"),
        (("2.4.0", "--cherry-pick", "proxy"), 15, "has no tag 2.4.0"),
        (("2.2.1", "--cherry-pick", "proxy", "--offline"), 15, "--offline asks nobody"),
    ],
)
def test_bad_input_gets_a_clear_line(
    run: Run, tmp_path: Path, words: tuple[str, ...], code: int, reported: str
) -> None:
    """One line of what, one of what to do, and nothing in dist/."""
    done = run("build", *words)
    assert (done.returncode, reported in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "dist").exists()


def test_no_repository_is_there(run_builder: RunBuilder, own_cache: Path, tmp_path: Path) -> None:
    """A directory that is none, and a port where nobody listens."""
    env = {"XDG_CACHE_HOME": str(own_cache)}
    for address in (str(tmp_path), "http://127.0.0.1:9/x.git"):
        words = ("build", "2.2.1", "--cherry-pick", "x", "--upstream", address)
        done = run_builder(*words, env=env)
        assert (done.returncode, "git clone failed" in done.stderr) == (15, True), done.stderr
    left = [p.suffix for p in (own_cache / "tensorboard-proxy-wheels" / "git").iterdir()]
    assert set(left) == {".lock"}


def test_a_statement_does_not_choose_the_repository(
    run: Run, run_builder: RunBuilder, own_cache: Path, upstream: StandIn, tmp_path: Path
) -> None:
    """It is rebuilt from the repository that is named, or not at all; check tells the same."""
    assert run("build", "2.2.1", "--cherry-pick", upstream.proxy).returncode == 0
    env = {"XDG_CACHE_HOME": str(own_cache)}
    done = run_builder("check", f"dist/{WHEEL}", "--provenance", env=env)
    assert done.returncode == 6  # as without a statement
    assert f"if you trust that repository, say --upstream {upstream.path.as_uri()}" in done.stderr
    plain = run_builder("check", f"dist/{WHEEL}", env=env)
    assert plain.returncode == 6  # as without a statement
    assert "what the patches make of it is unknown: its commits are said to be" in plain.stderr
    beside = tmp_path / "dist" / f"{WHEEL}.provenance.json"
    text = beside.read_text()
    for old, new, code in (
        (upstream.proxy, upstream.commits["squashed"], 6),
        (upstream.proxy, "1" * 40, 6),
        (upstream.proxy, "--exec=x", 6),
        ('"gitTree": "', '"gitTree": "0', 8),
        ('"leftOut": []', '"leftOut": ["x"]', 8),
    ):
        assert old in text
        beside.write_text(text.replace(old, new))
        reported = run("check", f"dist/{WHEEL}", "--provenance")
        assert reported.returncode == code, (old, reported.stdout, reported.stderr)


def test_builds_are_the_same_wherever_the_mirror_is(
    run: Run, upstream: StandIn, tmp_path: Path
) -> None:
    """Two caches, another user configuration: the same wheel and the same statement."""
    config = tmp_path / "gitconfig"
    config.write_text("[core]\n\tautocrlf = true\n[merge]\n\tconflictStyle = diff3\n")
    run("build", "2.2.2", "--cherry-pick", upstream.proxy, "--output", "a")
    run(
        "build",
        *("2.2.2", "--cherry-pick", upstream.proxy[:10], "--output", "b"),
        XDG_CACHE_HOME=str(tmp_path / "other"),
        GIT_CONFIG_GLOBAL=str(config),
    )
    name = "tensorboardtmp-2.2.2-py3-none-any.whl"
    for file in (name, f"{name}.provenance.json"):
        assert sha256(tmp_path / "a" / file) == sha256(tmp_path / "b" / file)
