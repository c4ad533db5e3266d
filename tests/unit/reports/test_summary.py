"""The page of a job."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from builder.reports.rendering import escape_markdown
from builder.reports.smoke_page import render_smoke_page
from builder.reports.summary import WheelSummary, render_summary
from builder.smoke.results.result import StoredResult
from tests.support.results import FAILED_RESULT


def test_the_table_has_releases_and_deployments() -> None:
    """Oldest first; pictures by link, or by path where there is no page that has them."""
    smokes = [
        StoredResult(f"{r}/{d}", structs.replace(FAILED_RESULT, release=r, deployment=d))
        for r in ("2.10.0", "2.2.1")
        for d in ("lab", "hub")
    ]
    text = render_summary([], smokes[:3], "https://a.example/report")
    lines = text.splitlines()
    assert lines[2] == "| release | hub | lab |"
    assert [line.split(" | ")[0] for line in lines[4:6]] == ["| 2.2.1", "| 2.10.0"]
    assert lines[4].split(" | ")[1] == ""
    assert "[1 pictures](https://a.example/report)" in lines[4]
    assert "![2.2.1/lab/frame.png](<2.2.1/lab/frame.png>)" in render_summary([], smokes, None)
    assert "- 2.2.1, lab: frame: 404 &lt;b&gt;\\|&lt;/b&gt;" in lines
    assert "kernel" not in text


def test_wheels_are_listed() -> None:
    """By version, with size and hash; nothing at all is said too."""
    text = render_summary(
        [WheelSummary(f"t-{v}-py3-none-any.whl", 10**6, "ab") for v in ("2.10", "2.9")], [], None
    )
    assert text.index("t-2.9-") < text.index("t-2.10-")
    assert "| 1.0 | `ab` |" in text
    assert render_summary([], [], None).startswith("Nothing")


@given(st.text(max_size=60))
def test_words_from_elsewhere_are_no_markup(text: str) -> None:
    """They stay in their cell, and start no tag."""
    shown = escape_markdown(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert "|" not in shown.replace("\\|", "")


@given(st.text(max_size=40))
def test_a_file_name_stays_in_its_cell(name: str) -> None:
    """As code, whatever it has in it."""
    text = render_summary([WheelSummary(f"t-1-{name}", 1, "ab")], [], None)
    row = text.rstrip("\n").split("\n")[-1]
    assert row.replace("\\|", "").count("|") == 4
    assert row.count("`") == 4
    assert row.isprintable()


def test_pages_have_nothing_invisible() -> None:
    """Neither the job's page nor that of all results: no escapes, no order of its own."""
    nasty = "a\x1b[2J\u202eb\u200bc\x07\x85<b>"
    smokes = [
        StoredResult(
            nasty,
            structs.replace(FAILED_RESULT, engine=nasty, failure=nasty, pictures=(nasty,)),
        )
    ]
    for page in (render_summary([], smokes, None), render_smoke_page(smokes)):
        assert all(c.isprintable() or c == "\n" for c in page)
        assert "<b>" not in page
    assert "a\\x1b[2J\\u202eb\\u200bc\\x07\\x85&lt;b&gt;" in render_smoke_page(smokes)
