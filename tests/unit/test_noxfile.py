"""The sessions: they install what their words need, and hand pip's settings to uv."""

from __future__ import annotations

import ast
import runpy
import sys
import tomllib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.releases import ROOT
from tests.support.workflows import BOOTSTRAP

if TYPE_CHECKING:
    from pathlib import Path


def test_the_noxfile_imports_nothing_of_ours() -> None:
    """It installs the project and runs one verb."""
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    imported = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    assert {ast.unparse(n).split()[1] for n in imported} == {"os", "runpy", "pathlib", "nox"}


def run_noxfile(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the noxfile defines; nox itself, which would install the sessions, is a stand-in."""
    stand_in: Any = SimpleNamespace(
        Session=SimpleNamespace, options=SimpleNamespace(), session=lambda function: function
    )
    monkeypatch.setitem(sys.modules, "nox", stand_in)
    return runpy.run_path(str(ROOT / "noxfile.py"))


@pytest.mark.parametrize(
    ("name", "words", "extras"),
    [
        ("check", ["a.whl"], []),
        ("check", ["a.whl", "--provenance"], ["publish"]),
        ("check", ["--deep", "--provenance", "a.whl"], ["deep", "publish"]),
        ("build", ["2.2.1"], []),
        ("build", ["2.2.1", "--backend=both"], ["bazel"]),
        ("install_hint", ["2.2.1"], []),
        ("install_hint", ["2.2.1", "--repository", "pypi"], ["publish"]),
    ],
)
def test_a_session_installs_what_its_words_need(
    name: str, words: list[str], extras: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And hands the words on."""
    did: list[tuple[str, ...]] = []
    session = SimpleNamespace(
        posargs=words, install=lambda *w, **_: did.append(w), run=lambda *w: did.append(w)
    )
    run_noxfile(monkeypatch)[name](session)
    (_, project), ran = did
    # pip takes no `.[]`, though uv does.
    assert project == (f".[{','.join(extras)}]" if extras else ".")
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras) <= set(known["optional-dependencies"])
    assert ran == ("python", "-m", "builder", name.replace("_", "-"), *words)


@pytest.mark.parametrize("name", ["build", "package", "actionlint", "unit"])
def test_what_installs_has_the_settings_of_pip(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Uv reads none of them; closed networks have them. Where they are malformed, nothing runs.

    What is installed may run code of others: it gets no credentials for publishing.
    """
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    monkeypatch.setenv("TWINE_PASSWORD", "canary")
    monkeypatch.setenv("GH_TOKEN", "canary")
    envs: list[dict[str, str | None]] = []
    session = SimpleNamespace(
        posargs=[],
        install=lambda *_, env: envs.append(env),
        run=lambda *words, env=None: envs.append(env) if "--installer" in words else None,
        error=pytest.fail,
    )
    run_noxfile(monkeypatch)[name](session)
    assert len(envs) == (2 if name == "package" else 1)
    assert {env["UV_DEFAULT_INDEX"] for env in envs} == {"https://index.example/simple"}
    assert {env[name] for env in envs for name in ("TWINE_PASSWORD", "GH_TOKEN")} == {None}
    (tmp_path / "pip.conf").write_text("no section")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    with pytest.raises(
        pytest.fail.Exception, match=r"cannot be read: .*pip\.conf, line 1, is malformed"
    ):
        run_noxfile(monkeypatch)[name](session)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["-k", "x", "-n", "2"], ["tests/unit", "-k", "x", "-n", "2"]),
        (["tests/unit/test_docs.py", "-x"], ["tests/unit/test_docs.py", "-x"]),
        ([], ["tests/unit", "-n", "auto", "--dist", "worksteal"]),
    ],
)
def test_a_session_of_tests_keeps_to_its_directory(
    words: list[str], wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the words name tests."""
    ran: list[str] = []
    session = SimpleNamespace(
        posargs=words, install=lambda *_, **__: None, run=lambda *w: ran.extend(w)
    )
    run_noxfile(monkeypatch)["unit"](session)
    assert ran == ["pytest", *wanted]


def test_the_commands_of_the_readme_are_those_that_ci_runs() -> None:
    """In a container with Python and git, and on GitHub."""
    assert f"    {BOOTSTRAP}\n" in (ROOT / "README.md").read_text()
    assert f"run: {BOOTSTRAP}\n" in (ROOT / ".github/workflows/ci.yml").read_text()
    bare = (ROOT / ".ci/bare").read_text().replace('\\"', "'").replace("install --quiet", "install")
    assert BOOTSTRAP in bare
