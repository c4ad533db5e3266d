"""The sessions: they install what their words need, and hand pip's settings to uv."""

from __future__ import annotations

import ast
import os
import runpy
import sys
import tomllib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from builder.system.settings import read_user_settings
from tests.support.releases import ROOT
from tests.support.workflows import BOOTSTRAP

if TYPE_CHECKING:
    from pathlib import Path


def test_the_noxfile_imports_nothing_of_ours() -> None:
    """It installs the project and runs one verb."""
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


_PIP = ("PIP_INDEX_URL", "PIP_CERT", "PIP_PROXY", "PIP_CONFIG_FILE")
_UV = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "SSL_CERT_FILE", "ALL_PROXY", "XDG_CONFIG_HOME")
_FILE = "[global]\nindex-url = https://u:100%s@file.example/\nproxy = http://file:1\n"


@pytest.mark.parametrize(
    ("env", "files"),
    [
        ({}, {}),
        ({"PIP_INDEX_URL": "https://pip.example/", "UV_DEFAULT_INDEX": "https://uv.example/"}, {}),
        ({"UV_INDEX_URL": "https://uv.example/", "PIP_PROXY": "http://pip:1"}, {}),
        ({"UV_DEFAULT_INDEX": "", "PIP_PROXY": ""}, {".config/pip/pip.conf": _FILE}),
        ({"PIP_INDEX_URL": "https://pip.example/"}, {".pip/pip.conf": _FILE}),
        ({"PIP_CERT": "HOME/ca.pem"}, {"ca.pem": "", ".pip/pip.conf": _FILE}),
        ({}, {"ca.pem": "", ".pip/pip.conf": "[global]\ncert = HOME/ca.pem\n"}),
        ({"XDG_CONFIG_HOME": "HOME/xdg"}, {"xdg/pip/pip.conf": _FILE}),
        ({"PIP_CONFIG_FILE": "HOME/other"}, {"other": "[global]\nproxy = http://other:1\n"}),
        (
            {"PIP_CONFIG_FILE": "HOME/other"},
            {".pip/pip.conf": _FILE, "other": "[global]\nproxy = http://other:1\n"},
        ),
        ({"PIP_CONFIG_FILE": "/dev/null"}, {".config/pip/pip.conf": _FILE}),
        ({}, {".pip/pip.conf": "[install]\nindex-url = https://file.example/\n"}),
    ],
)
def test_uv_gets_the_settings_of_pip(
    env: dict[str, str], files: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As the program reads them: the same index, CAs and proxy for the packages and for wheels."""
    for name in (*_PIP, *_UV):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in env.items():
        monkeypatch.setenv(name, value.replace("HOME", str(tmp_path)))
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text.replace("HOME", str(tmp_path)))
    program = read_user_settings(os.environ)
    wanted = {
        "UV_DEFAULT_INDEX": program.index_url,
        "SSL_CERT_FILE": program.ca_bundle,
        "ALL_PROXY": program.http_proxy,
    }
    ours = run_noxfile(monkeypatch)["_PIP_SETTINGS"]
    assert ours == {name: value for name, value in wanted.items() if value is not None}


@pytest.mark.parametrize("text", ["no section", "[global]\nproxy = x\nproxy = y\n", "\udcff"])
def test_a_malformed_file_of_pip_stops_no_session(
    text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`nox -l` works; the program, which is what installs nothing, says what is wrong."""
    (tmp_path / "pip.conf").write_bytes(text.encode(errors="surrogateescape"))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example/")
    assert run_noxfile(monkeypatch)["_PIP_SETTINGS"]["UV_DEFAULT_INDEX"] == "https://pip.example/"


def test_a_directory_of_cas_is_not_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SSL_CERT_FILE is for files; as in the program."""
    monkeypatch.setenv("PIP_CERT", str(tmp_path))
    assert "SSL_CERT_FILE" not in run_noxfile(monkeypatch)["_PIP_SETTINGS"]


def test_the_commands_of_the_readme_are_those_that_ci_runs() -> None:
    """In a container with Python and git, and on GitHub."""
    assert f"    {BOOTSTRAP}\n" in (ROOT / "README.md").read_text()
    assert f"run: {BOOTSTRAP}\n" in (ROOT / ".github/workflows/ci.yml").read_text()
    bare = (ROOT / ".ci/bare").read_text().replace('\\"', "'").replace("install --quiet", "install")
    assert BOOTSTRAP in bare
