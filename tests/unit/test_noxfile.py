"""The sessions: they hold no logic, install what their words need, and uv by pip's settings."""

from __future__ import annotations

import ast
import runpy
import sys
import tomllib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.releases import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_the_noxfile_holds_no_logic() -> None:
    """It never imports the builder: it installs the project and runs one verb."""
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    imported = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    assert not [n for n in imported if "builder" in ast.unparse(n)]


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


def test_uv_gets_the_settings_of_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Variables before files, later files before earlier ones, uv's own before either."""
    for name in ("UV_DEFAULT_INDEX", "SSL_CERT_FILE", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("PIP_INDEX_URL", "PIP_CERT", "PIP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    files = [tmp_path / ".config/pip/pip.conf", tmp_path / "other.conf"]
    files[0].parent.mkdir(parents=True)
    files[0].write_text("[global]\nindex-url = https://u:100%s@a.example/\nproxy = http://b:1\n")
    files[1].write_text("[global]\nproxy = http://c:2\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(files[1]))
    monkeypatch.setenv("PIP_CERT", "/ca.pem")
    assert run_noxfile(monkeypatch)["_PIP_SETTINGS"] == {
        "UV_DEFAULT_INDEX": "https://u:100%s@a.example/",
        "SSL_CERT_FILE": "/ca.pem",
        "HTTPS_PROXY": "http://c:2",
    }
    monkeypatch.setenv("PIP_INDEX_URL", "https://d.example/")
    monkeypatch.setenv("SSL_CERT_FILE", "/ours.pem")
    settings = run_noxfile(monkeypatch)["_PIP_SETTINGS"]
    assert settings == {"UV_DEFAULT_INDEX": "https://d.example/", "HTTPS_PROXY": "http://c:2"}
    files[1].write_text("no section")
    assert run_noxfile(monkeypatch)["_PIP_SETTINGS"]["UV_DEFAULT_INDEX"] == "https://d.example/"


def test_the_commands_of_the_readme_are_those_that_ci_runs() -> None:
    """In a container with Python and git, and on GitHub."""
    install = "python3 -m venv .venv && .venv/bin/pip install 'nox[uv]'"
    line = f"{install} && .venv/bin/nox -s build -- 2.2.1"
    assert f"    {line}\n" in (ROOT / "README.md").read_text()
    assert f"run: {line}\n" in (ROOT / ".github/workflows/ci.yml").read_text()
    bare = (ROOT / ".ci/bare").read_text().replace('\\"', "'").replace("install --quiet", "install")
    assert line in bare
