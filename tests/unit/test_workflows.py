"""The workflows: they name sessions that exist, hold no logic, and may no more than they must."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import needs
from tests.support.releases import ROOT
from tests.support.workflows import BOOTSTRAP, LOCKED_INSTALL, WORKFLOWS, list_jobs, read_workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIN = re.compile(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
_PROPOSE = ".github/propose-catalog proposed/catalog.json"
# Where requirements are locked, no nox installs others.
_VERB = re.compile(r"\.venv/bin/python -m builder (build|upload)( [^;&|`$\n]*)?")


def _commands() -> Iterator[tuple[str, str]]:
    for name, job in list_jobs():
        for step in job["steps"]:
            if "run" in step:
                yield name, step["run"].strip()


def _plain(command: str) -> str:
    """A command without its quoted variables, which come from `env`."""
    return re.sub(r'"[\w/-]*\$[A-Z]+"', "X", command)


def _sessions() -> set[str]:
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}


def test_every_step_is_a_session_that_exists() -> None:
    """One nox session or verb a step, on one line; what it does can be done on any machine."""
    named = set()
    for job, command in _commands():
        if command in (BOOTSTRAP, _PROPOSE) or LOCKED_INSTALL.fullmatch(command):
            continue
        if _VERB.fullmatch(_plain(command)):
            assert job in {"publish/build", "publish/upload"}
            continue
        found = re.fullmatch(
            r"(?:pipx run --spec 'nox\[uv\]' |\.venv/bin/)nox -s (\w+)( [^;&|`$\n]*)?",
            _plain(command),
        )
        assert found, f"{job}: {command}"
        named.add(found[1])
    assert {"lint", "types", "tests", "build", "check", "plan", "publish", "catalog"} <= named
    assert named <= _sessions(), f"no such sessions: {sorted(named - _sessions())}"


def test_permissions_are_the_least() -> None:
    """None by default; identities for publishing only, writing for proposals only."""
    writing = set()
    for path in WORKFLOWS:
        assert read_workflow(path.stem)["permissions"] == {}, path
    for name, job in list_jobs():
        for what, level in job["permissions"].items():
            if (what, level) != ("contents", "read"):
                writing.add((name, what, level))
    assert writing == {
        ("publish/upload", "id-token", "write"),
        ("watch/propose", "contents", "write"),
        ("watch/propose", "pull-requests", "write"),
    }


def test_jobs_end_and_do_not_pile_up() -> None:
    """Each has a time-out, each workflow a concurrency group; uploads are never cut off."""
    for path in WORKFLOWS:
        assert read_workflow(path.stem)["concurrency"]["group"], path
    for name, job in list_jobs():
        assert 0 < job["timeout-minutes"] <= 240, name
    assert read_workflow("publish")["concurrency"]["cancel-in-progress"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(path: Any) -> None:
    """With the version beside it, which Dependabot keeps current; credentials do not stay."""
    text = path.read_text()
    lines = [line.strip().removeprefix("- ") for line in text.splitlines() if "uses: " in line]
    assert lines
    for line in lines:
        assert _PIN.fullmatch(line), line
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


def test_publishing_stores_no_token() -> None:
    """Trusted Publishing in a protected environment, and no reusable workflow (PEP 740)."""
    publish = read_workflow("publish")
    assert set(publish["on"]) == {"workflow_dispatch", "push"}
    job = publish["jobs"]["upload"]
    assert job["environment"] == "testpypi"
    assert "secrets." not in (ROOT / ".github" / "workflows" / "publish.yml").read_text()
    assert any("--attest" in s.get("run", "") for s in job["steps"])


def test_what_bazel_keeps_is_what_is_cached() -> None:
    """The directory that the build is told is among those that the next run finds again."""
    steps = read_workflow("source-build")["jobs"]["source-build"]["steps"]
    (cached,) = (s["with"] for s in steps if s.get("uses", "").startswith("actions/cache@"))
    (build,) = (s["run"].split() for s in steps if "nox -s build" in s.get("run", ""))
    assert build[build.index("--bazel-cache") + 1] in cached["path"].split()
    # A key that is there already is not saved again: only the start of it may be another run's.
    assert cached["key"] == cached["restore-keys"] + "${{ github.run_id }}"


def test_the_browser_is_one_that_starts() -> None:
    """Each job that opens one names Chrome; the image's chromium comes first, without a sandbox."""
    seen = set()
    for name, job in list_jobs():
        for step in job["steps"]:
            found = re.search(r"nox -s (smoke|tests)", step.get("run", ""))
            if found:
                seen.add(found[1])
                env = {**job.get("env", {}), **step.get("env", {})}
                assert env.get("CHROMIUM") == "google-chrome", name
    assert seen == {"smoke", "tests"}


def test_only_our_own_ci_skips_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.ci/run` brings everything along; a workflow's machine lacks our base images."""
    assert f"\nexport {needs.STRICT}=1\n" in (ROOT / ".ci" / "run").read_text()
    assert not [path for path in WORKFLOWS if needs.STRICT in path.read_text()]
    monkeypatch.setenv(needs.STRICT, "1")
    with pytest.raises(pytest.fail.Exception, match="no nginx"):
        needs.lacking("there is no nginx")
    monkeypatch.delenv(needs.STRICT)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.skip.Exception, match="no nginx"):
        needs.lacking("there is no nginx")


def test_lint_looks_at_every_workflow() -> None:
    """The noxfile lists them by name."""
    text = (ROOT / "noxfile.py").read_text()
    listed = re.search(r"workflows = \(([^)]*)\)", text)
    assert listed
    assert sorted(re.findall(r'"([\w-]+)"', listed[1])) == [p.stem for p in WORKFLOWS]
