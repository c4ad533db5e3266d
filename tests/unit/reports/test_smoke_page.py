"""The page of all results."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from builder.reports.smoke_page import render_smoke_page
from tests.support.results import make_stored_result


def test_releases_are_in_order_and_gaps_are_said() -> None:
    """2.9.1 comes before 2.21.0, and what was not run is not left blank."""
    page = render_smoke_page(
        [
            make_stored_result("2.21.0"),
            make_stored_result("2.9.1"),
            make_stored_result("2.9.1", deployment="hub"),
        ]
    )
    assert page.index("<th>2.9.1") < page.index("<th>2.21.0")
    assert page.count("not run") == 1
    assert 'src="2.9.1/lab/jupyterlab.png"' in page
    assert "3 of 3 deployments passed, 6 probes" in page


def test_what_failed_is_open() -> None:
    """One sees at once why."""
    page = render_smoke_page([make_stored_result(failure="no container came up")])
    assert re.search(r"<details id=\"2.2.1-lab\" open>", page)
    assert "no container came up" in page


@given(st.text(), st.text())
def test_nothing_in_a_result_acts_on_the_page(text: str, name: str) -> None:
    """Details come from servers and kernels: they are text and nothing else."""
    evil = make_stored_result(failure=text + "<script>alert(1)</script>", deployment=name + '"><b>')
    page = render_smoke_page([evil])
    assert "<script" not in page
    assert '"><b>' not in page
