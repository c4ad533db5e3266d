"""Verdicts: what commits mean for every release, said by `plan --cherry-pick`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.releases import CATALOG

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder
    from tests.support.upstream import StandIn

pytestmark = pytest.mark.usefixtures("upstream")  # which fetches the wheels that it is made from


@pytest.fixture
def judge(run_builder: RunBuilder, own_cache: Path, upstream: StandIn) -> Any:
    """Picks and releases → version → the verdict's object."""

    def ask(picks: str, *releases: str) -> dict[str, dict[str, Any]]:
        env = {"XDG_CACHE_HOME": str(own_cache)}
        source = ("--upstream", str(upstream.path), "--cherry-pick", picks)
        done = run_builder("plan", *(releases or HAD), *source, "--json", env=env)
        assert done.returncode == 0, done.stderr
        return {entry["version"]: entry for entry in json.loads(done.stdout)}

    return ask


HAD = ("1.14.0", "2.2.0", "2.2.1", "2.2.2", "2.3.0", "2.5.0")


@pytest.mark.parametrize(
    ("picks", "verdicts"),
    [
        ("proxy", "conflict clean clean clean native native"),
        # Upstream's own: on the way to 2.3.0, so in the history of all that came after.
        ("squashed", "conflict clean clean clean native native"),
        ("with-tests-and-docs", "conflict clean clean clean conflict conflict"),
        ("proxy,again", "conflict clean clean clean conflict conflict"),
        ("rules", "conflict needs-bazel needs-bazel needs-bazel conflict conflict"),
        ("proto", "needs-bazel needs-bazel needs-bazel needs-bazel needs-bazel needs-bazel"),
    ],
)
def test_verdicts_are_what_git_and_the_wheels_say(judge: Any, picks: str, verdicts: str) -> None:
    """For each release that the repository has."""
    assert [entry["verdict"] for entry in judge(picks).values()] == verdicts.split()


def test_every_release_has_a_verdict(judge: Any) -> None:
    """All of the catalog, in its order; those that the repository does not have are absent."""
    found = judge("proxy", "all")
    assert list(found) == CATALOG.versions
    assert {v for v, entry in found.items() if entry["verdict"] == "absent"} == set(found) - {*HAD}


def test_details_stand_behind_the_verdict(judge: Any, upstream: StandIn) -> None:
    """Where it conflicts, how it is native, what is changed and left out."""
    found = judge("with-tests-and-docs")
    assert found["2.2.1"]["changed"] == ["tensorboard/notebook.py"]
    assert found["2.2.1"]["left_out"] == ["docs/notebooks.md", "tensorboard/notebook_test.py"]
    assert found["2.2.1"]["source_commit"] == upstream.commits["2.2.1"]
    assert "the tag is used" in found["2.2.1"]["source_note"]
    assert found["2.2.1"]["judged_by"] == "stock wheel"
    (conflict,) = found["1.14.0"]["conflicts"]
    assert conflict["path"] == "tensorboard/notebook.py"
    assert conflict["commit"] == upstream.commits["with tests and docs"]
    assert conflict["hunks"][0]["line"] > 1
    assert found["1.14.0"]["backend"] is None
    natives = judge("proxy", "2.3.0") | judge("squashed", "2.5.0")
    assert "the catalog" in natives["2.3.0"]["native"][0]["how"]
    assert "history has it" in natives["2.5.0"]["native"][0]["how"]
    assert judge("import", "2.2.1")["2.2.1"]["uncovered_imports"] == ["attr"]
    assert judge("rules", "2.2.1")["2.2.1"]["needs_bazel"][0]["path"] == "tensorboard/BUILD"


def test_the_same_change_by_another_commit_is_native(
    run_builder: RunBuilder, own_cache: Path, upstream: StandIn, tmp_path: Path
) -> None:
    """By patch-id, where the release went on to change the same lines."""
    from tests.support.upstream import git

    fork = tmp_path / "fork.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(upstream.path), str(fork))
    who = ("-c", "user.name=n", "-c", "user.email=e")
    picked = git(
        fork, *who, "commit-tree", "proxy^{tree}", "-p", upstream.commits["2.2.1"], "-m", "picked"
    )
    later = git(fork, *who, "commit-tree", "again^{tree}", "-p", picked, "-m", "later")
    git(fork, "tag", "--force", "2.2.2", later)
    words = ("plan", "2.2.2", "--cherry-pick", upstream.proxy, "--upstream", str(fork), "--json")
    done = run_builder(*words, env={"XDG_CACHE_HOME": str(own_cache)})
    (verdict,) = json.loads(done.stdout)
    assert verdict["verdict"] == "native", verdict
    assert verdict["native"][0]["how"] == (
        f"the release's history has the same change as {picked[:12]}"
    )


def test_without_wheels_paths_are_judged_by_name(
    run_builder: RunBuilder, upstream: StandIn, tmp_path: Path
) -> None:
    """No wheel is fetched for a plan; what was guessed is said, nothing but the mirror is made."""
    env = {"XDG_CACHE_HOME": str(tmp_path / "xdg")}
    words = ("plan", "2.2.1", "--cherry-pick", "proxy", "--upstream", str(upstream.path))
    done = run_builder(*words, env=env)
    assert done.returncode == 0, done.stderr
    assert "clean" in done.stdout
    assert "1 stock wheels are not in the cache (2.2.1 …)" in done.stderr
    made = {p.name for p in (tmp_path / "xdg" / "tensorboard-proxy-wheels").iterdir()}
    assert made == {"git"}


def test_a_repository_without_releases_is_an_error(
    run_builder: RunBuilder, own_cache: Path, upstream: StandIn
) -> None:
    """Not forty-five verdicts that say so."""
    words = ("plan", "2.4.0", "2.6.0", "--cherry-pick", "proxy", "--upstream", str(upstream.path))
    done = run_builder(*words, env={"XDG_CACHE_HOME": str(own_cache)})
    assert (done.returncode, "has no tag 2.4.0" in done.stderr) == (15, True), done.stderr
