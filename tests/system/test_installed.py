"""The project as a distribution: its wheel, installed, works in an empty directory."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from builder.system.virtualenvs import find_uv
from tests.support.cli import WHEEL, sha256
from tests.support.needs import settings_of_uv
from tests.support.releases import ROOT

# Imports every module of the package, reads those that go to kernels, prints where it lies.
IMPORT_ALL = """
import importlib, pkgutil
import builder
from builder.smoke.jupyter.notebook import read_shipped_modules
for module in pkgutil.walk_packages(builder.__path__, "builder."):
    if module.name not in ("builder.__main__", "builder.today.notebook_driver"):
        importlib.import_module(module.name)
read_shipped_modules()
print(builder.__file__)
"""


def run(*words: str, cwd: Path, path: Path | None = None) -> str:
    """What a program prints that sees no checkout: neither by its directory nor by PYTHONPATH."""
    env = {name: value for name, value in settings_of_uv().items() if name != "PYTHONPATH"}
    if path is not None:
        env["PYTHONPATH"] = str(path)
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def own_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this project, made from its sdist, as `nox -s package` does."""
    directory = tmp_path_factory.mktemp("own")
    words = ("--quiet", "--installer", "uv", "--outdir", str(directory))
    run(sys.executable, "-m", "build", *words, cwd=ROOT)
    (wheel,) = directory.glob("*.whl")
    return wheel


def test_its_wheel_has_all_files(own_wheel: Path) -> None:
    """No pattern of .gitignore or of the build keeps a module, a patch or a Dockerfile out."""
    if not (ROOT / ".git").exists():
        pytest.skip("what belongs to the project is what git tracks, and this is no checkout")
    with zipfile.ZipFile(own_wheel) as archive:
        packed = set(archive.namelist())
    trusted = ("-c", f"safe.directory={ROOT}")
    tracked = run("git", *trusted, "ls-files", "builder", "patches", "dockerfiles", cwd=ROOT)
    files = {f if f.startswith("builder/") else f"builder/{f}" for f in tracked.splitlines()}
    assert files
    assert files - packed == set()


@pytest.mark.usefixtures("warm")
def test_its_wheel_works_in_an_empty_directory(own_wheel: Path, tmp_path: Path) -> None:
    """With no more than its dependencies it plans, builds 2.2.1's wheel, and checks it."""
    run(find_uv(), "venv", "--quiet", "--python", sys.executable, "env", cwd=tmp_path)
    python = str(tmp_path / "env" / "bin" / "python")
    run(find_uv(), "pip", "install", "--quiet", "--python", python, str(own_wheel), cwd=tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    builder = (python, "-m", "builder")
    assert "2.2.1" in run(*builder, "plan", "2.2.1", "--offline", cwd=empty)
    run(*builder, "build", "2.2.1", "--offline", cwd=empty)
    line = f"{sha256(empty / 'dist' / WHEEL)}  {WHEEL}"
    assert line in (ROOT / "tests" / "wheels.sha256").read_text().splitlines()
    assert " 0 failed" in run(*builder, "check", "--offline", f"dist/{WHEEL}", cwd=empty)


def test_all_its_modules_are_found_where_it_is_installed(own_wheel: Path, tmp_path: Path) -> None:
    """Modules find each other, and the files beside them, without the checkout."""
    target = tmp_path / "installed"
    words = ("--no-deps", "--target", str(target), str(own_wheel))
    run(find_uv(), "pip", "install", "--quiet", *words, cwd=tmp_path)
    found = run(sys.executable, "-c", IMPORT_ALL, cwd=tmp_path, path=target)
    assert Path(found.strip()) == target / "builder" / "__init__.py"
