"""`check` as a user runs it, beside check-wheel-contents."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from builder.checks.table import CHECK_SENTENCES, DIFFERENCE_CODES, READER_CODES, STATIC_CODES
from builder.system.settings import read_project_settings
from tests.support import name_defects, record_defects, wheel_defects
from tests.support.releases import ROOT
from tests.support.wheels import codes, findings, make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.cli import RunBuilder
    from tests.support.forge import File

SERIES = ("--series", ",".join(read_project_settings(ROOT).series))


def _placed(file: File, directory: Path) -> str:
    path = directory / file.filename
    path.write_bytes(file.content)
    return str(path)


def test_command_line_passes_a_good_wheel(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Exit code 0, and no code is named."""
    made = make_wheel()
    wheel, stock = _placed(made.file, tmp_path), _placed(made.stock, tmp_path)
    done = run_builder("check", wheel, "--stock", stock, "--offline", *SERIES)
    assert done.returncode == 0, done.stderr
    passed = len(STATIC_CODES) + len(READER_CODES)
    assert f"{passed} checks passed, 0 failed, 0 inherited, 0 unchecked" in done.stdout


@pytest.mark.parametrize(
    ("defect", "code"),
    [
        (record_defects.stale_hash, "R304"),
        (wheel_defects.no_webfiles, "C602"),
        (name_defects.symlink, "Z105"),
    ],
)
def test_command_line_names_the_code(
    defect: Callable[[File], File], code: str, run_builder: RunBuilder, tmp_path: Path
) -> None:
    """Exit code 6; the code stands in the list with its sentence, and in the error."""
    made = make_wheel()
    wheel, stock = _placed(defect(made.file), tmp_path), _placed(made.stock, tmp_path)
    done = run_builder("check", wheel, "--stock", stock, "--offline", *SERIES)
    assert done.returncode == 6, done.stderr
    assert f"new {code}" in done.stdout
    assert CHECK_SENTENCES[code] in " ".join(done.stdout.split())
    assert code in done.stderr


@pytest.mark.parametrize("content", [None, b"", b"no zip"], ids=["missing", "empty", "text"])
def test_command_line_refuses_what_is_no_wheel(
    content: bytes | None, run_builder: RunBuilder, tmp_path: Path
) -> None:
    """Exit code 5 and the file's name, without a traceback."""
    path = tmp_path / "tensorboardtmp-2.2.1-py3-none-any.whl"
    if content is not None:
        path.write_bytes(content)
    done = run_builder("check", str(path), "--offline", *SERIES)
    assert done.returncode == 5, done.stderr
    assert path.name in done.stderr
    assert "Traceback" not in done.stderr


def test_command_line_says_what_it_could_not_check(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Offline with an empty cache there is no stock wheel: exit code 9, all D codes named."""
    wheel = _placed(make_wheel().file, tmp_path)
    empty = {"XDG_CACHE_HOME": str(tmp_path / "empty")}
    done = run_builder("check", wheel, "--offline", *SERIES, env=empty)
    assert done.returncode == 9, done.stderr
    assert f"{len(DIFFERENCE_CODES)} unchecked" in done.stdout
    for code in DIFFERENCE_CODES:
        assert f"unchecked {code}" in done.stdout


def wheel_contents_objects(file: File, directory: Path) -> bool:
    """Whether check-wheel-contents refuses the wheel (upstream's empty modules aside, W002)."""
    words = [sys.executable, "-m", "check_wheel_contents", "--no-config", "--ignore", "W002"]
    done = subprocess.run(
        [*words, _placed(file, directory)], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 1


@pytest.mark.parametrize(
    ("defect", "caught"),
    [(wheel_defects.dist_info_not_renamed, True), (record_defects.stale_hash, False)],
)
def test_check_wheel_contents_agrees_as_far_as_it_looks(
    defect: Callable[[File], File], caught: bool, tmp_path: Path
) -> None:
    """Positive control: of the fourteen classes it sees the one about the dist-info directory."""
    made = make_wheel()
    assert not wheel_contents_objects(made.file, tmp_path)
    assert wheel_contents_objects(defect(made.file), tmp_path) is caught
    assert codes(findings(defect(made.file), made))
