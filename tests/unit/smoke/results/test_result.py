"""Reports: what counts as passed, and directories that are exchanged in one step."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from builder.errors import OutputError
from builder.smoke.model import ProbeOutcome
from builder.smoke.probes.table import PROBE_TABLE
from builder.smoke.results import result as results
from builder.smoke.results.result import RESULT_FILENAME, DeploymentResult, open_report_directory
from tests.support.results import PROBE, make_result

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (make_result(ProbeOutcome.PASSED, ProbeOutcome.SKIPPED), ProbeOutcome.PASSED),
        (make_result(ProbeOutcome.PASSED, ProbeOutcome.FAILED), ProbeOutcome.FAILED),
        (make_result(ProbeOutcome.PASSED, failure="no container"), ProbeOutcome.FAILED),
        (make_result(ProbeOutcome.SKIPPED), ProbeOutcome.FAILED),
        (make_result(), ProbeOutcome.FAILED),
    ],
)
def test_nothing_asserted_is_not_passed(result: DeploymentResult, outcome: ProbeOutcome) -> None:
    """A deployment passes if something was asserted and nothing failed."""
    assert result.outcome is outcome


def test_the_json_says_what_each_probe_asserts(tmp_path: Path) -> None:
    """result.json can be read without the table."""
    results.write_result(make_result(ProbeOutcome.FAILED), tmp_path)
    read = json.loads((tmp_path / RESULT_FILENAME).read_text())
    assert read["outcome"] == "failed"
    assert read["probes"] == [
        {
            "name": PROBE,
            "outcome": "failed",
            "seconds": 0.123,
            "detail": "d0",
            "asserts": PROBE_TABLE[PROBE].sentence,
        }
    ]
    assert results.list_failures([make_result(ProbeOutcome.FAILED)]) == [f"2.2.1 lab: {PROBE}: d0"]


def test_a_report_replaces_the_one_before_as_a_whole(tmp_path: Path) -> None:
    """No file of the old report is left among those of the new one."""
    for name in ("old.png", "new.png"):
        with open_report_directory(tmp_path, "2.2.1", "lab") as workdir:
            (workdir / name).write_bytes(b"")
            results.write_result(make_result(ProbeOutcome.PASSED), workdir)
    assert sorted(p.name for p in (tmp_path / "2.2.1/lab").iterdir()) == [
        "new.png",
        RESULT_FILENAME,
    ]
    assert [p.name for p in (tmp_path / "2.2.1").iterdir()] == ["lab"]
    ((directory, result),) = results.read_results(tmp_path)
    assert (directory, result.outcome) == ("2.2.1/lab", ProbeOutcome.PASSED)


def test_a_report_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    """A run goes on, or was killed: its directory begins with a dot."""
    with open_report_directory(tmp_path, "2.2.1", "lab") as workdir:
        results.write_result(make_result(ProbeOutcome.PASSED), workdir)
        assert results.read_results(tmp_path) == []
    assert len(results.read_results(tmp_path)) == 1


def test_an_interrupted_report_leaves_the_one_before(tmp_path: Path) -> None:
    """Half a report never appears."""
    with open_report_directory(tmp_path, "2.2.1", "lab") as workdir:
        (workdir / "old.png").write_bytes(b"")
    with (  # noqa: PT012 - the block is what is interrupted
        pytest.raises(KeyboardInterrupt),
        open_report_directory(tmp_path, "2.2.1", "lab") as workdir,
    ):
        (workdir / "new.png").write_bytes(b"")
        raise KeyboardInterrupt
    assert [p.name for p in (tmp_path / "2.2.1").rglob("*")] == ["lab", "old.png"]


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    """A file where the directory should be."""
    (tmp_path / "2.2.1").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        open_report_directory(tmp_path, "2.2.1", "lab").__enter__()


def test_a_result_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    """Neither half a file nor a list is read as a result, nor what has other fields."""
    place = tmp_path / "2.2.1" / "lab"
    place.mkdir(parents=True)
    lie = json.dumps(msgspec.to_builtins(make_result(ProbeOutcome.PASSED)) | {"outcome": "failed"})
    other = json.dumps(msgspec.to_builtins(make_result(ProbeOutcome.PASSED)) | {"sceonds": 1})
    for text in ("", "{", "[]", "{}", lie, other, "[" * 9999, "[" * 200_000):
        (place / RESULT_FILENAME).write_text(text)
        with pytest.raises(OutputError, match=r"result\.json"):
            results.read_results(tmp_path)
