"""The cells that are kept, and the page that is made from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from builder.reports.today_page import render_today_page
from builder.today.cell import STAGES, GridCell, get_cell_path, load_cell, load_cells, save_cell
from builder.today.grid import make_pairs, make_trial

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FINE = GridCell(
    release="2.2.1",
    python="3.13",
    wheel="tensorboardtmp-2.2.1-py3-none-any.whl",
    sha256="ab" * 32,
    stock=False,
    logdir="cd" * 32,
    date="2026-11-20",
    stages=dict.fromkeys(STAGES, ""),
    packages=("numpy==2.4.6",),
    answers=1234,
)
BAD = replace(FINE, stock=True, sha256="ef" * 32, stages={"installs": "", "imports": "no x\nmore"})


def test_a_cell_survives_saving(tmp_path: Path) -> None:
    """What is saved is what is loaded; one file for each wheel and Python."""
    for cell in (FINE, BAD):
        save_cell(cell, tmp_path)
        assert load_cell(get_cell_path(tmp_path, cell.release, cell.python, cell.sha256)) == cell
    assert sorted(load_cells(tmp_path), key=lambda c: c.stock) == [FINE, BAD]


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"release": "2.2.1"}'])
def test_what_is_no_cell_is_done_again(tmp_path: Path, content: str) -> None:
    """A file that was cut off, or of an older form, is as good as none."""
    path = tmp_path / "2.2.1-cp313-abababababab.json"
    path.write_text(content, encoding="utf-8")
    assert load_cell(path) is None


def test_the_first_stage_that_fails_names_a_cell() -> None:
    """Everything fine is None; a stage that was not reached is no success."""
    assert FINE.failed_stage is None
    assert (BAD.failed_stage, BAD.failure_reason) == ("imports", "no x\nmore")
    early = replace(FINE, stages={"installs": ""})
    assert (early.failed_stage, early.failure_reason) == ("imports", "not reached")


def test_the_page_shows_before_and_after() -> None:
    """Each cell says both; releases that are alike share a line; figures count cells."""
    cells = [FINE, BAD, replace(FINE, release="2.2.2"), replace(BAD, release="2.2.2")]
    page = render_today_page(cells, ["2.2.1", "2.2.2", "2.3.0"], frozenset({("2.3.0", "3.7")}))
    assert "Stock: **0 of 2** cells ok; patched:\n**2 of 2**, 2,468 answers" in page
    assert "| 2.2.1 to 2.2.2 | ? | ? | ? | ? | ? | ? | import → ok |" in page
    assert "| 2.3.0 | - | ? | ? | ? | ? | ? | ? |" in page
    assert "Not as in its era" not in page


def test_the_page_says_why_a_patched_wheel_fails() -> None:
    """Each reason once, in one line, with the pairs that it hits."""
    wrong = replace(FINE, stages={**FINE.stages, "equals": "python: GET /x $: 1\nand 2 more"})
    page = render_today_page([wrong, replace(wrong, python="3.12")], ["2.2.1"], frozenset())
    assert "- 2.2.1 on 3.12, 2.2.1 on 3.13: `differs: python: GET /x $: 1`" in page


def test_of_two_runs_the_later_counts() -> None:
    """A wheel that was mended since replaces what was seen before."""
    later = replace(FINE, date="2026-11-21")
    early = replace(FINE, sha256="12" * 32, stages={"installs": "no"})
    assert "**1 of 1**" in render_today_page([later, early], ["2.2.1"], frozenset())


def test_requires_python_decides_what_is_tried(stock_wheel: Callable[[str], Path]) -> None:
    """2.12.0 and up exclude 3.7, 2.14.1 and up 3.8: as pip does."""
    pythons = ["3.7", "3.8", "3.9", "3.13"]
    tried = {}
    for version in ("2.11.2", "2.12.0", "2.14.1"):
        trial = make_trial(stock_wheel(version), version, stock=True)
        able, refused = make_pairs([trial], pythons)
        tried[version] = [p.python for p in able]
        assert {p.python for p in able} | {p.python for p in refused} == set(pythons)
    assert tried == {"2.11.2": pythons, "2.12.0": pythons[1:], "2.14.1": pythons[2:]}
