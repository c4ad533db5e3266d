"""builder.system.pythons: real interpreters and uv; what refuses is none; what lacks is said."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

import pytest

from builder.errors import PythonNotFoundError, RequestError
from builder.system import command
from builder.system.pythons import PythonFinder
from tests.support.pythons import OURS, another, hidden, shims
from tests.support.releases import ROOT


def install(root: Path) -> str:
    """One of pyenv's versions, below a root: a link to a real interpreter; its version."""
    version, python = another()
    directory = root / "versions" / f"{version}.99" / "bin"
    directory.mkdir(parents=True)
    (directory / f"python{version}").symlink_to(python)
    return version


def test_a_shim_that_refuses_is_none(tmp_path: Path) -> None:
    """The next one on PATH is taken."""
    version, python = another()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / f"python{version}").symlink_to(python)
    refusing = shims(tmp_path / "any", f"python{version}")
    found = PythonFinder(hidden(tmp_path, refusing, tmp_path / "bin")).find_python(version)
    assert found.resolve() == python.resolve()


@pytest.mark.parametrize("where", ["home", "variable", "shims"])
def test_versions_of_pyenv_that_are_not_switched_on(where: str, tmp_path: Path) -> None:
    """In ~/.pyenv, where PYENV_ROOT says, or beside the shims that are on PATH."""
    root = tmp_path / (".pyenv" if where == "home" else "elsewhere")
    version = install(root)
    refusing = shims(root, f"python{version}", "python", "python3")
    env = hidden(tmp_path, *([refusing] if where == "shims" else []))
    if where == "variable":
        env["PYENV_ROOT"] = str(root)
    found = PythonFinder(env).find_python(version)
    assert found.resolve() == another()[1].resolve()
    words = [str(found), "-c", "import platform; print(platform.python_version())"]
    assert command.run_command(words, timeout=30, env=env).startswith(f"{version}.")


def test_ours_is_always_there(tmp_path: Path) -> None:
    """The Python that runs this, and never as the virtual environment that it lies in."""
    found = PythonFinder(hidden(tmp_path, Path(sys.executable).parent)).find_python(OURS)
    assert not (found.parent.parent / "pyvenv.cfg").exists()
    assert PythonFinder(hidden(tmp_path)).find_python(platform.python_version()) == found


def test_a_shim_is_not_what_is_found(tmp_path: Path) -> None:
    """One that works today may refuse in another directory: what it starts is handed on."""
    version, python = another()
    working = shims(tmp_path / "any", f"python{version}")
    (working / f"python{version}").write_text(f'#!/bin/sh\nexec {python} "$@"\n')
    found = PythonFinder(hidden(tmp_path, working)).find_python(version)
    assert not found.is_relative_to(tmp_path)
    assert found.resolve() == python.resolve()


def test_a_shim_that_asks_path_refuses_with_the_users_own(tmp_path: Path) -> None:
    """As pyenv's do: what is found must start later, with the user's own PATH."""
    version = install(tmp_path / ".pyenv")
    refusing = shims(tmp_path / "linked", f"python{version}")
    (refusing / f"python{version}").write_text(
        f"#!/bin/sh\nIFS=:; for place in $PATH; do case $place in */versions/*)"
        f' exec "$place/python{version}" "$@";; esac; done\nexit 127\n'
    )
    env = hidden(tmp_path, refusing)
    found = PythonFinder(env).find_python(version)
    assert command.try_command([str(found), "-c", ""], timeout=30, env=env)[0] == 0
    for given in (refusing, refusing / f"python{version}"):
        with pytest.raises(RequestError, match="no CPython 3 that runs"):
            PythonFinder(env, [given]).find_python(version)


@pytest.mark.parametrize(
    ("says", "instead"),
    [('"gil_disabled": false', '"gil_disabled": true'), ('"cpython"', '"pypy"')],
)
def test_other_kinds_of_python_are_none(says: str, instead: str, tmp_path: Path) -> None:
    """A free-threaded one, and PyPy, as an interpreter says it to uv."""
    version, python = another()
    other = shims(tmp_path / "path", f"python{version}") / f"python{version}"
    other.write_text(f"#!/bin/sh\n{python} \"$@\" | {shutil.which('sed')} 's/{says}/{instead}/g'\n")
    with pytest.raises(PythonNotFoundError):
        PythonFinder(hidden(tmp_path, other.parent)).find_python(version)
    with pytest.raises(RequestError, match="no CPython 3 that runs"):
        PythonFinder(hidden(tmp_path), [other]).find_python(version)


_FIND = """
import sys
from builder.system.pythons import PythonFinder
PythonFinder(eval(sys.argv[1])).find_python("3.99")
"""


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    """Somebody else's home on PATH, as `su` leaves it; and what is no path at all."""
    theirs = tmp_path / "theirs"
    (theirs / "bin").mkdir(parents=True)
    env = hidden(theirs, theirs / "bin", Path("/etc/passwd"), PYENV_ROOT="x" * 5000)
    theirs.chmod(0)
    # root reads everything, unless it gives that up.
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    words = [*drop, sys.executable, "-c", _FIND, repr(env)]
    code, said = command.try_command(words, timeout=60, cwd=ROOT)
    theirs.chmod(0o700)
    assert code == 1
    assert "PythonNotFoundError: there is no CPython 3.99" in said


def test_an_answer_is_kept(tmp_path: Path) -> None:
    """Whatever becomes of it: a run goes on with what it began with."""
    version = install(tmp_path / ".pyenv")
    finder = PythonFinder(hidden(tmp_path))
    found = finder.find_python(version)
    shutil.rmtree(tmp_path / ".pyenv")
    assert finder.find_python(version) == found


@pytest.mark.parametrize("what", ["file", "bin", "prefix"])
def test_what_the_user_gives_comes_first(what: str, tmp_path: Path) -> None:
    """An interpreter, the directory that it is in, or the one above."""
    version, python = another()
    (tmp_path / "mine" / "bin").mkdir(parents=True)
    mine = tmp_path / "mine" / "bin" / f"python{version}"
    mine.symlink_to(python)
    given = {"file": mine, "bin": mine.parent, "prefix": mine.parent.parent}[what]
    asked = tmp_path / "asked"
    other = shims(tmp_path / "path", f"python{version}") / f"python{version}"
    other.write_text(f'#!/bin/sh\necho >> {asked}\nexec {python} "$@"\n')
    env = hidden(tmp_path, other.parent)
    assert PythonFinder(env, [given]).find_python(version).resolve() == python.resolve()
    assert not asked.exists()
    assert PythonFinder(env).find_python(version).resolve() == python.resolve()
    assert asked.exists()


def test_what_is_given_and_does_not_serve_is_said(tmp_path: Path) -> None:
    """Another version is looked for elsewhere; nothing that runs is refused."""
    version, python = another()
    said: list[str] = []
    finder = PythonFinder(hidden(tmp_path), [python], said.append)
    finder.find_python(OURS)
    assert said == [f"--python-path has no CPython {OURS}: it is looked for elsewhere"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no program")
    refusing = shims(tmp_path, "python3") / "python3"
    for given in (tmp_path / "text", refusing, Path("/dev/null"), tmp_path / "empty"):
        with pytest.raises(RequestError, match="no CPython 3 that runs"):
            PythonFinder(hidden(tmp_path), [given]).find_python(version)
