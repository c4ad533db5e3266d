"""The verbs and scripts that the workflows run: the whole matrix, and clean."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from builder.releases.request import select_runnable_releases
from tests.support import needs
from tests.support.releases import CATALOG, RELEASES, ROOT
from tests.support.workflows import read_workflow

if TYPE_CHECKING:
    from tests.support.cli import RunBuilder


def test_every_release_is_in_the_matrix(run_builder: RunBuilder) -> None:
    """The build workflow's matrix is what `plan -- all --matrix` says, and that is the catalog."""
    done = run_builder("plan", "all", "--matrix", "matrix", "--offline", env={"GITHUB_OUTPUT": ""})
    assert [e["release"] for e in json.loads(done.stdout)["include"]] == RELEASES
    assert len(RELEASES) <= 256
    jobs = read_workflow("build")["jobs"]
    steps = {s["id"]: s["run"] for s in jobs["plan"]["steps"] if "id" in s}
    assert steps["all"] == "pipx run --spec 'nox[uv]' nox -s plan -- all --matrix matrix"
    assert jobs["plan"]["outputs"] == {
        name: f"${{{{ steps.{name}.outputs.matrix }}}}" for name in ("all", "alive", "sample")
    }
    assert jobs["build"]["strategy"]["matrix"] == "${{ fromJSON(needs.plan.outputs.all) }}"


def test_every_release_that_starts_is_tried_each_week(run_builder: RunBuilder) -> None:
    """What the smoke tests refuse is in neither matrix; all else is in the weekly one."""
    jobs = read_workflow("build")["jobs"]
    steps = {s["id"]: shlex.split(s["run"]) for s in jobs["plan"]["steps"] if "id" in s}
    planned = {}
    for name in ("alive", "sample"):
        words = steps[name][steps[name].index("--") + 1 :]
        done = run_builder("plan", *words, "--offline", env={"GITHUB_OUTPUT": ""})
        planned[name] = [e["release"] for e in json.loads(done.stdout)["include"]]
    able = [r.version for r in select_runnable_releases(CATALOG.releases, "")]
    assert planned["alive"] == able
    assert set(planned["sample"]) <= set(able)
    chosen = re.sub(r"\s+", " ", jobs["smoke"]["strategy"]["matrix"])
    assert "'schedule' || github.event_name == 'workflow_dispatch')" in chosen
    assert re.findall(r"(\S+) needs\.plan\.outputs\.(\w+)", chosen) == [
        ("&&", "alive"),
        ("||", "sample"),
    ]


def test_the_matrix_becomes_a_steps_output(run_builder: RunBuilder, tmp_path: Any) -> None:
    """In GitHub Actions it is written where outputs go, between lines that nothing in it ends."""
    outputs = tmp_path / "outputs"
    words = ("plan", "2.2.1", "--matrix", "matrix", "--offline")
    done = run_builder(*words, env={"GITHUB_OUTPUT": str(outputs)})
    assert (done.returncode, done.stdout) == (0, "")
    first, value, last = outputs.read_text().splitlines()
    assert re.fullmatch(r"matrix<<ghadelimiter_[0-9a-f-]{36}", first)
    assert first == f"matrix<<{last}"
    assert json.loads(value)["include"][0]["release"] == "2.2.1"


def test_scripts_are_clean() -> None:
    """By shellcheck, where there is one."""
    program = shutil.which("shellcheck")
    if program is None:
        needs.lacking("there is no shellcheck: apt-get install shellcheck")
    names = (".ci/bare", ".ci/run", ".github/propose-catalog", "dockerfiles/build-wheel.sh")
    subprocess.run([program, *names], cwd=ROOT, check=True)
