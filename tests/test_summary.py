"""The page of a job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import RequestError
from builder.reports.summary import WheelSummary, escape_markdown, parse_smoke_result, to_markdown

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import RunBuilder

_RESULT: dict[str, Any] = {
    "release": "2.2.1",
    "deployment": "lab",
    "engine": "docker",
    "outcome": "failed",
    "seconds": 12.3,
    "probes": [
        {"name": "frame", "outcome": "failed", "seconds": 1, "detail": "404 <b>|</b>"},
        {"name": "kernel", "outcome": "passed", "seconds": 1, "detail": ""},
    ],
    "pictures": ["frame.png"],
}


def test_the_table_has_releases_and_deployments() -> None:
    """Oldest first; pictures by link, or by path where there is no page that has them."""
    smokes = [
        parse_smoke_result(json.dumps(_RESULT | {"release": r, "deployment": d}), f"{r}/{d}")
        for r in ("2.10.0", "2.2.1")
        for d in ("lab", "hub")
    ]
    text = to_markdown([], smokes[:3], "https://a.example/report")
    lines = text.splitlines()
    assert lines[2] == "| release | hub | lab |"
    assert [line.split(" | ")[0] for line in lines[4:6]] == ["| 2.2.1", "| 2.10.0"]
    assert lines[4].split(" | ")[1] == ""
    assert "[1 pictures](https://a.example/report)" in lines[4]
    assert "![2.2.1/lab/frame.png](<2.2.1/lab/frame.png>)" in to_markdown([], smokes, None)
    assert "- 2.2.1, lab: frame: 404 &lt;b&gt;\\|&lt;/b&gt;" in lines
    assert "kernel" not in text


def test_wheels_are_listed() -> None:
    """By version, with size and hash; nothing at all is said too."""
    text = to_markdown(
        [WheelSummary(f"t-{v}-py3-none-any.whl", 10**6, "ab") for v in ("2.10", "2.9")], [], None
    )
    assert text.index("t-2.9-") < text.index("t-2.10-")
    assert "| 1.0 | `ab` |" in text
    assert to_markdown([], [], None).startswith("Nothing")


@given(st.text(max_size=60))
def test_words_from_elsewhere_are_no_markup(text: str) -> None:
    """They stay in their cell, and start no tag."""
    shown = escape_markdown(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert "|" not in shown.replace("\\|", "")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", json.dumps(_RESULT | {"probes": [1]}), json.dumps({"release": 1})]
)
def test_what_is_no_result_is_named(content: str) -> None:
    """With the directory that it lies in."""
    with pytest.raises(RequestError, match=r"a/b/result\.json"):
        parse_smoke_result(content, "a/b")


def test_the_verb_writes_the_jobs_page(run_builder: RunBuilder, tmp_path: Path) -> None:
    """To standard output here, to the page in GitHub Actions, behind what is there."""
    where = tmp_path / "reports" / "2.2.1" / "lab"
    where.mkdir(parents=True)
    (where / "result.json").write_text(json.dumps(_RESULT))
    page = tmp_path / "page.md"
    page.write_text("before\n")
    here = run_builder("summary", env={"GITHUB_STEP_SUMMARY": ""})
    there = run_builder("summary", env={"GITHUB_STEP_SUMMARY": str(page)})
    assert (here.returncode, there.returncode, there.stdout) == (0, 0, "")
    assert "❌ failed, 12 s" in here.stdout
    assert page.read_text() == "before\n" + here.stdout
