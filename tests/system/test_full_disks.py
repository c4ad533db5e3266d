"""A full disk under each directory that the program writes to: the error names the right one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.cli import STOCK, WHEEL
from tests.support.index_server import ServedFiles, serving
from tests.support.needs import lacking
from tests.support.releases import ROOT
from tests.support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("warm")


@pytest.mark.parametrize(
    ("variable", "words", "code", "said"),
    [
        ("", "build 2.2.1 --offline --output full", 7, "another directory with --output"),
        ("XDG_CACHE_HOME", "build 2.2.1", 3, "or set XDG_CACHE_HOME to another"),
        ("TMPDIR", "publish 2.2.1 --offline --no-install", 7, "full cannot be written"),
        ("TMPDIR", f"check dist/{WHEEL} --offline", 9, "full (TMPDIR names another)"),
        ("GITHUB_OUTPUT", "plan all --offline --matrix m", 7, "unset GITHUB_OUTPUT"),
        ("GITHUB_STEP_SUMMARY", "summary", 7, "unset GITHUB_STEP_SUMMARY"),
    ],
)
def test_a_full_directory_is_named(
    variable: str,
    words: str,
    code: int,
    said: str,
    tmp_path: Path,
    stock_wheel: Callable[[str], Path],
) -> None:
    """A file system of 64 kB in a mount namespace of our own; files in it are the step's."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        lacking("this user may not make a mount namespace (unshare -rm)")
    (tmp_path / "full").mkdir()
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / WHEEL).write_bytes(make_wheel().file.content)
    script = f"mount -t tmpfs -o size=64k tmpfs full && {{ {sys.executable} -m builder {words}; }}"
    value = tmp_path / "full"
    if variable.startswith("GITHUB"):
        value /= "file"
        script = script.replace("&&", "&& { head -c 65536 /dev/zero >full/file || true; } &&")
    with serving(ServedFiles({STOCK: stock_wheel("2.2.1").read_bytes()})) as place:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PIP_INDEX_URL": f"http://{place}/simple"}
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", script],
            cwd=tmp_path,
            env=env | ({variable: str(value)} if variable else {}),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == code, done.stderr
    assert "No space left on device" in done.stdout + done.stderr
    assert said in done.stdout + done.stderr
