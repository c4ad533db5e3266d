"""What a start imports: most of a build's second would be imports that it does not need."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.needs import settings_of_uv
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PRINT_MODULES = """
import sys
from builder.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*sys.modules, file=sys.stderr)
"""
# HTTP and index clients, the git and container libraries, what draws tables and pages.
_HEAVY = {
    "requests",
    "urllib3",
    "pypi_simple",
    "pydantic",
    "git",
    "docker",
    "rich",
    "jinja2",
    "twine",
}


def _list_modules(*words: str, cwd: Path) -> set[str]:
    """The modules that a run has imported in the end."""
    argv = [sys.executable, "-c", _PRINT_MODULES, *words]
    env = {**settings_of_uv(), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("words", [("--series", "proxy"), ()], ids=["diff", "all series"])
def test_a_build_from_the_cache_imports_no_client(
    words: tuple[str, ...], stock_wheel: Callable[[str], Path], tmp_path: Path
) -> None:
    """Also where `--offline` is not said: whether the cache has the wheel is seen first."""
    stock_wheel("2.2.1")
    loaded = _list_modules("build", "2.2.1", *words, cwd=tmp_path)
    assert "builder.build.release" in loaded
    assert loaded & {*_HEAVY, "importlib.metadata"} == set()


def test_the_version_imports_no_verb(tmp_path: Path) -> None:
    """Each verb is imported when it is run, and `--version` runs none."""
    loaded = _list_modules("--version", cwd=tmp_path)
    assert {m for m in loaded if m.startswith("builder.cli.")} == set()
    assert loaded & {*_HEAVY, "msgspec", "packaging"} == set()


def test_a_plan_imports_no_client(tmp_path: Path) -> None:
    """It touches nothing; a table is drawn, for which rich is there."""
    loaded = _list_modules("plan", "2.2.1", cwd=tmp_path)
    assert loaded & (_HEAVY - {"rich"}) == set()
