"""`summary` writes the page of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.smoke.results.result import write_result
from tests.support.results import FAILED_RESULT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder


def test_the_verb_writes_the_jobs_page(run_builder: RunBuilder, tmp_path: Path) -> None:
    """To standard output here, to the page in GitHub Actions, behind what is there."""
    where = tmp_path / "reports" / "2.2.1" / "lab"
    where.mkdir(parents=True)
    write_result(FAILED_RESULT, where)
    page = tmp_path / "page.md"
    page.write_text("before\n")
    here = run_builder("summary", env={"GITHUB_STEP_SUMMARY": ""})
    there = run_builder("summary", env={"GITHUB_STEP_SUMMARY": str(page)})
    assert (here.returncode, there.returncode, there.stdout) == (0, 0, "")
    assert "❌ failed, 12 s" in here.stdout
    assert page.read_text() == "before\n" + here.stdout
