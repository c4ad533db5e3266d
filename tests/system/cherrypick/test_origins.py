"""Whose a picked commit is: that a server hands it out by its id does not make it upstream's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.cli import WHEEL, Finished
from tests.support.upstream import git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder
    from tests.support.upstream import StandIn

pytestmark = pytest.mark.usefixtures("warm")
Run = Callable[..., Finished]

_NUMBER = "7"


@dataclass
class Hosts:
    """A host with upstream and a fork; both hand out by id whatever either has, as big hosts do.

    Attributes:
        upstream: a bare repository, with the pull request 7.
        fork: another one.
        proposed: the head of the pull request, which no branch or tag of either has.
        forked: a commit of the fork's branch `mine`, and of its tag `v1`.
    """

    upstream: Path
    fork: Path
    proposed: str
    forked: str


@pytest.fixture
def hosts(upstream: StandIn, tmp_path: Path) -> Hosts:
    """A host of this test's own."""
    made = Hosts(tmp_path / "upstream.git", tmp_path / "fork.git", "", "")
    git(tmp_path, "clone", "--quiet", "--bare", str(upstream.path), str(made.upstream))
    git(made.upstream, "branch", "--quiet", "-D", "again", "merge", "proxy")
    git(made.upstream, "config", "uploadpack.allowFilter", "true")
    git(made.upstream, "config", "uploadpack.allowAnySHA1InWant", "true")
    tree, base = f"{upstream.proxy}^{{tree}}", upstream.commits["2.2.1"]
    who = ("-c", "user.name=n", "-c", "user.email=e")
    words = (*who, "commit-tree", tree, "-p", base, "-m")
    made.proposed, made.forked = (git(made.upstream, *words, m) for m in ("proposed", "forked"))
    git(made.upstream, "update-ref", f"refs/pull/{_NUMBER}/head", made.proposed)
    # It shares the objects.
    git(tmp_path, "clone", "--quiet", "--bare", "--shared", str(made.upstream), str(made.fork))
    git(made.fork, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(made.fork, "update-ref", "refs/heads/mine", made.forked)
    git(made.fork, *who, "tag", "-a", "v1", "-m", "v1", made.forked)
    return made


@pytest.fixture
def run(run_builder: RunBuilder, own_cache: Path, hosts: Hosts) -> Run:
    """Run a verb on that upstream, with a cache of this test's own."""

    def words(*words: str) -> Finished:
        env = {"XDG_CACHE_HOME": str(own_cache)}
        return run_builder(*words, "--upstream", str(hosts.upstream), env=env)

    return words


def _read_statement(directory: Path) -> Any:
    return json.loads((directory / f"{WHEEL}.provenance.json").read_text())


def test_the_head_of_a_pull_request_is_not_upstreams(
    run: Run, hosts: Hosts, tmp_path: Path
) -> None:
    """Though the server hands it out: by its id, a short one, a ref's name, and in the mirror."""
    names = (hosts.proposed, hosts.proposed[:9], f"refs/pull/{_NUMBER}/head")
    for verb in ("build", "plan"):
        for name in names:
            done = run(verb, "2.2.1", "--cherry-pick", name)
            assert done.returncode == 15, (verb, name, done.stdout, done.stderr)
            assert (
                f"no commit {name} in a branch or tag of {hosts.upstream.as_uri()}" in done.stderr
            )
            assert "--from REPOSITORY, or --pull-request N" in done.stderr
    told = run("plan", "2.2.1", "--cherry-pick", hosts.proposed, "--pull-request", _NUMBER)
    assert told.returncode == 0, told.stderr
    # From here on the mirror has it.
    for name in names:
        done = run("build", "2.2.1", "--cherry-pick", name)
        assert done.returncode == 15, (name, done.stdout, done.stderr)
        assert f"there is no commit {hosts.proposed} in a branch or tag of" in done.stderr
        assert "--from REPOSITORY, or --pull-request N" in done.stderr
    assert not (tmp_path / "dist").exists()


def test_a_pull_request_that_is_named_is_picked_and_said(
    run: Run, hosts: Hosts, tmp_path: Path
) -> None:
    """By `plan`, `build`, the statement and `check`; other commits are not its own."""
    text = f"pull request 7 of {hosts.upstream.as_uri()}"
    words = ("2.2.1", "--cherry-pick", hosts.proposed[:9], "--pull-request", _NUMBER)
    planned = run("plan", *words)
    assert f"{hosts.proposed} proposed\n  of {text}\n" in planned.stdout, planned.stderr
    documents = json.loads(run("plan", *words, "--json").stdout)
    assert documents[0]["commit_origins"] == [text]
    built = run("build", *words)
    assert built.returncode == 0, built.stderr
    assert f"  commit          {hosts.proposed}, of {text}\n" in built.stdout
    definition = _read_statement(tmp_path / "dist")["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["cherryPick"]["pullRequests"] == [7]
    assert definition["internalParameters"]["source"]["origins"] == {
        hosts.proposed: "pull request 7"
    }
    checked = run("check", f"dist/{WHEEL}", "--provenance", *words[1:])
    assert checked.returncode == 0, checked.stderr
    assert f"commit {hosts.proposed} of {text}; stock wheel and commits" in checked.stdout
    other = run("build", "2.2.1", "--cherry-pick", hosts.forked, "--pull-request", _NUMBER)
    assert other.returncode == 15
    assert f"no commit {hosts.forked} in a branch or tag of" in other.stderr


def test_check_passes_no_commits_that_nobody_named(run: Run, hosts: Hosts) -> None:
    """It says name, version, series, commits and whose they are; a success needs all of them.

    Where nobody named whose they are, they cannot be had: a statement that says so excuses nothing.
    """
    picks = ("--cherry-pick", hosts.proposed, "--pull-request", _NUMBER)
    assert run("build", "2.2.1", *picks, "--series", "today").returncode == 0
    check = ("check", f"dist/{WHEEL}", "--provenance")
    for given, code, message in (
        ((), 6, "its commits are said to be of pull request 7, not of no pull request"),
        ((), 6, "if you want these in it, say --provenance --cherry-pick"),
        ((), 6, "say whose they are, as the notes say"),
        (picks[2:], 9, f"commits that you did not name: commit {hosts.proposed} of pull request 7"),
        (picks, 0, ""),
        (picks[:2], 15, f"there is no commit {hosts.proposed} in a branch or tag of"),
        (("--cherry-pick", "squashed"), 6, "is said to be made with the commits"),
    ):
        done = run(*check, *given)
        assert (done.returncode, message in done.stderr) == (code, True), (given, done.stderr)
        if code != 15:
            claim = "said to be tensorboardtmp 2.2.1, of release 2.2.1, with the series today and"
            assert f"{claim} the commits {hosts.proposed}" in done.stdout
    plain = run("build", "2.2.1", "--series", "today", "--force")
    assert plain.returncode == 0, plain.stderr
    done = run(*check, *picks)
    assert (done.returncode, "is said to be made without commits" in done.stderr) == (6, True)
    none = run("check", f"dist/{WHEEL}", "--cherry-pick", "squashed")
    assert (none.returncode, "--cherry-pick goes with --provenance" in none.stderr) == (2, True)


def test_a_fork_has_what_its_branches_and_tags_have(run: Run, hosts: Hosts, tmp_path: Path) -> None:
    """A branch, a tag, an id, a tag's own id; not what its server hands out besides."""
    source = ("--from", str(hosts.fork))
    tag = git(hosts.fork, "rev-parse", "v1")
    assert tag != hosts.forked
    for name in ("mine", "v1", hosts.forked, hosts.forked[:9], tag):
        done = run("plan", "2.2.1", "--cherry-pick", name, *source)
        assert done.returncode == 0, (name, done.stderr)
        assert f"of branch mine of {hosts.fork.as_uri()}\n" in done.stdout
        alone = run("plan", "2.2.1", "--cherry-pick", name)
        assert alone.returncode == 15, (name, alone.stdout)
    handed_out = run("plan", "2.2.1", "--cherry-pick", hosts.proposed, *source)
    assert handed_out.returncode == 15, handed_out.stdout
    built = run("build", "2.2.1", "--cherry-pick", "mine", *source)
    assert built.returncode == 0, built.stderr
    parameters = _read_statement(tmp_path / "dist")["predicate"]["buildDefinition"]
    assert parameters["internalParameters"]["source"]["origins"] == {hosts.forked: "from"}
    checked = run("check", f"dist/{WHEEL}", "--provenance", "--cherry-pick", "v1", *source)
    assert checked.returncode == 0, checked.stderr


def test_a_branch_that_is_called_like_a_commit_is_not_that_commit(
    run: Run, upstream: StandIn, hosts: Hosts
) -> None:
    """An id is the commit's alone, whatever branches a fork makes up."""
    squashed = upstream.commits["squashed"]
    git(hosts.fork, "update-ref", f"refs/heads/{squashed}", hosts.forked)
    words = ("plan", "2.2.1", "--cherry-pick", squashed, "--from", str(hosts.fork))
    for _ in ("without the fork's branches in the mirror", "with them"):
        done = run(*words)
        assert done.returncode == 0, done.stderr
        wanted = f"{squashed} squashed\n  of branch squashed of {hosts.upstream.as_uri()}"
        assert wanted in done.stdout


def test_a_forged_statement_makes_no_commit_upstreams(
    run: Run, hosts: Hosts, tmp_path: Path
) -> None:
    """Neither for `check` nor for `publish`, even if all its commits are named."""
    picks = ("--cherry-pick", hosts.proposed, "--pull-request", _NUMBER)
    assert run("build", "2.2.1", *picks).returncode == 0
    statement = _read_statement(tmp_path / "dist")
    definition = statement["predicate"]["buildDefinition"]
    source = definition["internalParameters"]["source"]
    beside = tmp_path / "dist" / f"{WHEEL}.provenance.json"
    for forged in ({hosts.proposed: "upstream"}, {hosts.proposed: "from"}, {"x": "upstream"}):
        source["origins"] = forged
        beside.write_text(json.dumps(statement))
        done = run("check", f"dist/{WHEEL}", "--provenance", *picks)
        assert done.returncode == 6, (forged, done.stderr)
        assert "is said to be of" in done.stderr or "origins" in done.stderr, (forged, done.stderr)
        assert "provenance holds" not in done.stdout
    del definition["externalParameters"]["cherryPick"]["pullRequests"], source["origins"]
    beside.write_text(json.dumps(statement))
    for given, code in (((), 6), (picks[:2], 15)):
        done = run("check", f"dist/{WHEEL}", "--provenance", *given)
        assert done.returncode == code, (given, done.stdout, done.stderr)
        assert f"there is no commit {hosts.proposed} in a branch or tag of" in done.stderr
        assert "provenance holds" not in done.stdout
    for words, code in (("", 6), (" ".join(picks[:2]), 15), (" ".join(picks), 6)):
        done = run("publish", "2.2.1", "--no-install", *words.split())
        assert done.returncode == code, (words, done.stdout, done.stderr)
        assert "uploaded" not in done.stdout


def test_a_statement_of_before_origins_still_holds(
    run: Run, hosts: Hosts, own_cache: Path, tmp_path: Path
) -> None:
    """It does not say whose the commits are; nor did a mirror say when it was refreshed."""
    commit = git(hosts.upstream, "rev-parse", "import")
    assert run("build", "2.2.1", "--cherry-pick", "import").returncode == 0
    statement = _read_statement(tmp_path / "dist")
    del statement["predicate"]["buildDefinition"]["internalParameters"]["source"]["origins"]
    beside = tmp_path / "dist" / f"{WHEEL}.provenance.json"
    beside.write_text(json.dumps(statement))
    words = ("check", f"dist/{WHEEL}", "--provenance", "--cherry-pick", commit[:10])
    told = f"commit {commit} of branch import of {hosts.upstream.as_uri()}"
    done = run(*words)
    assert (done.returncode, f"{told}; " in done.stdout) == (0, True), done.stderr
    (time,) = own_cache.glob("*/git/*.git/refreshed-upstream")
    time.unlink()
    done = run(*words, "--offline")
    assert done.returncode == 0, done.stderr
    assert f"{told} as of a time that was not recorded; " in done.stdout


def test_what_upstream_withdraws_is_not_upstreams(run: Run, hosts: Hosts) -> None:
    """A branch that is deleted; --offline knows the mirror alone, and says of when that is."""
    commit = git(hosts.upstream, "rev-parse", "import")
    words = ("plan", "2.2.1", "--cherry-pick", commit)
    assert run(*words).returncode == 0
    git(hosts.upstream, "branch", "--quiet", "-D", "import")
    offline = run(*words, "--offline")
    assert offline.returncode == 0, offline.stderr
    assert f"of branch import of {hosts.upstream.as_uri()} as of 20" in offline.stdout
    withdrawn = run(*words)
    assert withdrawn.returncode == 15, withdrawn.stdout
    assert f"there is no commit {commit} in a branch or tag of" in withdrawn.stderr
    offline = run(*words, "--offline")
    assert offline.returncode == 15, offline.stdout
    assert " as of 20" in offline.stderr
