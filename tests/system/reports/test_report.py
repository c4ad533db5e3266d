"""`report` writes the page of all results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.smoke.results.result import write_result
from tests.support.results import make_stored_result

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder


def test_the_command(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Nothing to show is said; else the page is there, or why it is not."""
    done = run_builder("report")
    assert done.returncode == 2
    assert "no results are in reports/" in done.stderr
    place = tmp_path / "reports/2.2.1/lab"
    place.mkdir(parents=True)
    write_result(make_stored_result().result, place)
    done = run_builder("report")
    assert (done.returncode, done.stdout) == (0, "reports/index.html: 1 deployments\n")
    assert "2.2.1" in (tmp_path / "reports/index.html").read_text()
    (tmp_path / "reports/index.html").unlink()
    (tmp_path / "reports/index.html").mkdir()
    done = run_builder("report")
    assert (done.returncode, "Traceback" in done.stderr) == (7, False)
    assert "reports/index.html cannot be written" in done.stderr
    assert "--reports" in done.stderr
    assert {p.name for p in (tmp_path / "reports").iterdir()} == {"2.2.1", "index.html"}
