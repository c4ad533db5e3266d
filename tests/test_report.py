"""The page of all results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from builder.reports.smoke_page import render_smoke_page
from builder.smoke.model import ProbeOutcome
from builder.smoke.results.result import StoredResult, write_result
from tests.support.results import make_result

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder


def result(release: str = "2.2.1", deployment: str = "lab", failure: str = "") -> StoredResult:
    """A result with a picture, in the directory where it should be."""
    made = make_result(ProbeOutcome.PASSED, ProbeOutcome.SKIPPED, failure=failure)
    pictures = ("jupyterlab.png",)
    made = structs.replace(made, release=release, deployment=deployment, pictures=pictures)
    return StoredResult(f"{release}/{deployment}", made)


def test_releases_are_in_order_and_gaps_are_said() -> None:
    """2.9.1 comes before 2.21.0, and what was not run is not left blank."""
    page = render_smoke_page([result("2.21.0"), result("2.9.1"), result("2.9.1", deployment="hub")])
    assert page.index("<th>2.9.1") < page.index("<th>2.21.0")
    assert page.count("not run") == 1
    assert 'src="2.9.1/lab/jupyterlab.png"' in page
    assert "3 of 3 deployments passed, 6 probes" in page


def test_what_failed_is_open() -> None:
    """One sees at once why."""
    page = render_smoke_page([result(failure="no container came up")])
    assert re.search(r"<details id=\"2.2.1-lab\" open>", page)
    assert "no container came up" in page


@given(st.text(), st.text())
def test_nothing_in_a_result_acts_on_the_page(text: str, name: str) -> None:
    """Details come from servers and kernels: they are text and nothing else."""
    evil = result(failure=text + "<script>alert(1)</script>", deployment=name + '"><b>')
    page = render_smoke_page([evil])
    assert "<script" not in page
    assert '"><b>' not in page


def test_the_command(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Nothing to show is said; else the page is there, or why it is not."""
    done = run_builder("report")
    assert done.returncode == 2
    assert "no results are in reports/" in done.stderr
    place = tmp_path / "reports/2.2.1/lab"
    place.mkdir(parents=True)
    write_result(result().result, place)
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
