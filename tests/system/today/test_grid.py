"""The grid on real wheels: a stated sample of its cells, in real environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.patching.series import load_series
from builder.today.cell import STAGES, load_cells
from tests.support import needs
from tests.support.releases import RELEASES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder

# The oldest and the newest form of everything, on the ends and the middle of the Pythons: every
# codemod and every diff of the series is in one of these wheels (a test says so). The whole grid
# has 269 cells and takes most of an hour: `nox -s today -- all`.
SAMPLE = [
    ("1.15.0", "3.13"),
    ("2.2.1", "3.8"),
    ("2.2.1", "3.13"),
    ("2.5.0", "3.11"),
    ("2.9.1", "3.7"),
    ("2.16.0", "3.12"),
    ("2.20.0", "3.13"),
]


def test_the_sample_touches_every_patch() -> None:
    """Each codemod and each diff that serves any release serves one of the sample."""
    both = [load_series(ROOT / "patches" / name) for name in ("today", "security")]
    every = {p.file for s in both for version in RELEASES for p in s.find_patches(version)}
    touched = {p.file for s in both for version, _ in SAMPLE for p in s.find_patches(version)}
    assert every
    assert every - touched == set()


@pytest.mark.long
@pytest.mark.parametrize(("release", "python"), SAMPLE)
def test_alive_today(release: str, python: str, run_builder: RunBuilder, tmp_path: Path) -> None:
    """The wheel that `build` makes installs, starts, serves, equals its era, and is displayed."""
    needs.python(python)
    done = run_builder("today", release, "--python", python, "--jobs", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    (cell,) = load_cells(tmp_path / "reports" / "today")
    assert cell.failed_stage is None
    assert set(cell.stages) == set(STAGES)
    assert cell.answers > 200
    assert not cell.stock


def test_the_stock_wheel_is_not_and_the_grid_resumes(
    run_builder: RunBuilder, tmp_path: Path
) -> None:
    """The control: without the mends it fails at import; what is done is not done again."""
    needs.python("3.13")
    words = ("today", "2.2.1", "--python", "3.13", "--stock")
    first = run_builder(*words)
    assert first.returncode == 11
    assert "No module named 'pkg_resources'" in first.stderr
    assert "0 of 1 cells ok" in first.stdout
    again = run_builder(*words)
    assert again.returncode == 11
    assert "(done before)" in again.stdout
    page = tmp_path / "today.md"
    run_builder("today", "table", "--page", str(page))
    assert "import → ?" in page.read_text(encoding="utf-8")


def test_releases_out_of_reach_are_refused(run_builder: RunBuilder) -> None:
    """1.13.x imports the TensorFlow of its time at start; it is named, and nothing is tried."""
    done = run_builder("today", "1.13.1")
    assert done.returncode == 2
    assert "1.13.x imports the TensorFlow of its time" in done.stderr
