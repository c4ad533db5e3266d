"""The jobs of workflows that hold a token: they run little, and nothing that is not locked."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.releases import ROOT
from tests.support.workflows import LOCKED_INSTALL, list_jobs

if TYPE_CHECKING:
    from pathlib import Path

_REQUIREMENTS = ROOT / ".github" / "requirements"
_LOCKED = sorted(_REQUIREMENTS.glob("*.txt"))
_ACTIONS = {
    "actions/checkout",
    "actions/create-github-app-token",
    "actions/download-artifact",
    "actions/upload-artifact",
}
_PINNED = re.compile(r"([\w.-]+)==([\w.]+)(?: ; [^\\]+?)?((?: --hash=sha256:[0-9a-f]{64})+)")


def holds_token(job: dict[str, Any]) -> bool:
    """Whether a job may write something, or get an identity."""
    return "write" in job["permissions"].values()


TOKEN_JOBS = {name: job for name, job in list_jobs() if holds_token(job)}


def test_these_are_the_jobs_with_a_token() -> None:
    """One that uploads, one that opens a pull request; only they have an environment's secrets."""
    assert set(TOKEN_JOBS) == {"publish/upload", "watch/propose"}
    assert {name for name, job in list_jobs() if "environment" in job} == set(TOKEN_JOBS)
    assert {name for name, job in list_jobs() if "secrets." in str(job)} == {"watch/propose"}


@pytest.mark.parametrize("name", TOKEN_JOBS)
def test_beside_a_token_little_is_run(name: str) -> None:
    """Locked requirements, then one command of ours; nox and pipx would take the newest."""
    steps = TOKEN_JOBS[name]["steps"]
    ran = [step["run"].strip() for step in steps if "run" in step]
    *installed, command = ran
    assert all(LOCKED_INSTALL.fullmatch(line) for line in installed), installed
    assert re.match(r"\.venv/bin/python -m builder upload |\.github/propose-catalog ", command)
    assert "\n" not in command
    used = {step["uses"].partition("@")[0] for step in steps if "uses" in step}
    assert used <= _ACTIONS
    (checkout,) = (s for s in steps if s.get("uses", "").startswith("actions/checkout@"))
    paths = set(checkout["with"]["sparse-checkout"].split())
    assert paths in ({".github/requirements", "builder"}, {".github", "builder/data"})


def test_what_installs_from_a_lock_has_one() -> None:
    """The files exist; pip is used in no other way, but for the README's words."""
    used = set()
    for name, job in list_jobs():
        for step in job["steps"]:
            if "pip install" in step.get("run", "") and name != "ci/readme":
                found = LOCKED_INSTALL.fullmatch(step["run"].strip())
                assert found, name
                used.add(ROOT / found[1])
    assert used == set(_LOCKED)


def test_only_what_was_built_is_uploaded() -> None:
    """The digests go from the build to the upload as outputs, which no artefact replaces."""
    jobs = {name: job for name, job in list_jobs() if name.startswith("publish/")}
    build, upload = jobs["publish/build"], jobs["publish/upload"]
    (step,) = (s for s in build["steps"] if s.get("id") == "build")
    assert "-m builder build" in step["run"]
    assert "--digests-output digests" in step["run"]
    assert build["outputs"] == {"digests": "${{ steps.build.outputs.digests }}"}
    assert upload["env"] == {"DIGESTS": "${{ needs.build.outputs.digests }}"}
    assert '--digests "$DIGESTS"' in upload["steps"][-2]["run"]
    assert set(upload["needs"]) == {"build", "rehearse"}
    back = jobs["publish/install-back"]
    assert back["needs"] == "upload"
    assert "--no-upload" in str(back["steps"])


def read_lock(path: Path) -> dict[str, list[str]]:
    """Name → versions, for different Pythons, of a file that pip reads."""
    lines = path.read_text().replace("\\\n", "").splitlines()
    wanted = [re.sub(" +", " ", line) for line in lines if not line.startswith("#")]
    pinned: dict[str, list[str]] = {}
    for line in wanted:
        found = _PINNED.fullmatch(line)
        assert found, line
        pinned.setdefault(canonicalize_name(found[1]), []).append(found[2])
    assert len(pinned) > 20
    return pinned


def read_wanted(path: Path) -> list[Requirement]:
    """What a person wrote."""
    return [Requirement(x) for x in path.read_text().splitlines() if x and not x.startswith("#")]


@pytest.mark.parametrize("path", _LOCKED, ids=lambda path: path.stem)
def test_every_requirement_is_locked(path: Path) -> None:
    """With hashes, without an index, by the options of the session, and as was wanted."""
    text = path.read_text()
    assert "://" not in text
    assert "index" not in text.replace("--no-emit-index-url", "")
    command = text.splitlines()[1]
    options = re.search(r"options = \(([^)]*)\)", (ROOT / "noxfile.py").read_text())
    assert options
    for option in re.findall(r'"([^"]+)"', options[1]):
        assert option in command.split()
    pinned = read_lock(path)
    for wanted in read_wanted(path.with_suffix(".in")):
        versions = pinned[canonicalize_name(wanted.name)]
        assert all(wanted.specifier.contains(version) for version in versions), wanted


@pytest.mark.parametrize("path", _LOCKED, ids=lambda path: path.stem)
def test_what_is_wanted_is_what_the_project_requires(path: Path) -> None:
    """The same bounds, so that tests run what is locked; a build needs all that we depend on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = [] if path.stem == "build" else project["optional-dependencies"]["publish"]
    known = {str(Requirement(line)) for line in [*project["dependencies"], *extra]}
    wanted = {str(w) for w in read_wanted(path.with_suffix(".in")) if w.name != "certifi"}
    assert wanted <= known
    if path.stem == "build":
        assert wanted == known


def test_the_bot_keeps_them_fresh() -> None:
    """Dependabot looks at the directory, and waits until others have found out what is wrong."""
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    (found,) = (u for u in updates if u["directory"] == "/.github/requirements")
    assert found["package-ecosystem"] == "uv"
    assert found["cooldown"]["default-days"] >= 7
