"""What a failed deployment leaves for a person: the end of its log, its picture, what to do."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from builder.cli.smoke_common import report_smoke_results
from builder.errors import SmokeError
from builder.smoke.model import ProbeOutcome
from builder.smoke.results.result import RESULT_FILENAME, DeploymentResult
from builder.system.console import Console
from tests.support.results import make_probe

if TYPE_CHECKING:
    from pathlib import Path

LOG = "".join(f"[I 12:00] line {number}\n" for number in range(40))


def failed(
    probe: str, deployment: str = "lab", *, failure: str = "", wheel: str = "w.whl"
) -> DeploymentResult:
    """A deployment of which that probe failed, after one that passed."""
    probes = (
        make_probe("notebook-runs", ProbeOutcome.PASSED),
        make_probe(probe, ProbeOutcome.FAILED, "not so"),
    )
    return DeploymentResult("2.2.1", deployment, "docker", wheel, "ab", 1.0, probes, failure)


def left(reports: Path, result: DeploymentResult, *names: str) -> DeploymentResult:
    """Its report, with these files in it."""
    place = reports / result.release / result.deployment
    place.mkdir(parents=True)
    for name in (RESULT_FILENAME, *names):
        (place / name).write_text(LOG if name.endswith(".log") else "")
    return replace(result, pictures=tuple(n for n in names if n.endswith(".png")))


def reported(reports: Path, *results: DeploymentResult, broken: int = 0) -> tuple[SmokeError, str]:
    """The error, and all that is said beside it."""
    out = io.StringIO()
    with pytest.raises(SmokeError) as error:
        report_smoke_results(results, reports, Console(io.StringIO(), out), broken)
    return error.value, out.getvalue()


def test_the_picture_and_the_end_of_the_log_are_shown(tmp_path: Path) -> None:
    """Of those that failed and of no other; a trace there is comes with how to see it."""
    passed = DeploymentResult(
        "2.2.1", "lab-unset", "docker", "w.whl", "ab", 1.0, failed("page").probes[:1]
    )
    names = ("jupyterlab.png", "jupyter.log", "jupyterlab-trace.zip")
    results = left(tmp_path, failed("page"), *names), left(tmp_path, passed, *names)
    error, said = reported(tmp_path, *results)
    place = tmp_path / "2.2.1" / "lab"
    assert error.message == "2.2.1 lab: page: not so"
    assert error.hint == (
        f"`playwright show-trace {place / 'jupyterlab-trace.zip'}` shows what the browser saw"
    )
    assert f"its picture is {place / 'jupyterlab.png'}\n" in said
    assert f"{place / 'jupyter.log'}: its log ends with\n  [I 12:00] line 28\n" in said
    assert said.endswith("line 39\n")
    assert "lab-unset" not in said


def test_nothing_is_promised_that_is_not_there(tmp_path: Path) -> None:
    """A Jupyter that is not ours, asked without the browser, has no log and no picture."""
    error, said = reported(tmp_path, left(tmp_path, failed("page", wheel="")))
    assert error.hint == f"{tmp_path / '2.2.1' / 'lab' / RESULT_FILENAME} has what each probe saw"
    assert said == ""


def test_what_to_do_about_a_frame_past_jupyter(tmp_path: Path) -> None:
    """Where the wheel is ours the patch may be missing; elsewhere the variable too."""
    error, _ = reported(tmp_path, left(tmp_path, failed("frame-under-prefix")))
    assert error.hint.startswith("if w.whl was built without the series proxy")
    assert "`nox -s build -- 2.2.1 --force`" in error.hint
    error, _ = reported(tmp_path, left(tmp_path, failed("frame-under-prefix", "url", wheel="")))
    assert error.hint.startswith("set TENSORBOARD_PROXY_URL where its kernels start")
    never = failed("frame-under-prefix", "dead", failure="Jupyter ended with exit code 1")
    error, _ = reported(tmp_path, left(tmp_path, never))
    assert "proxy" not in error.hint
    assert error.message.startswith("2.2.1 dead: Jupyter ended with exit code 1; ")


def test_many_failures_are_bounded(tmp_path: Path) -> None:
    """Three of them; and releases that could not be run at all are counted."""
    results = [left(tmp_path, failed("page", f"d{n}"), "p.png") for n in range(5)]
    error, said = reported(tmp_path, *results, broken=2)
    assert error.message.endswith("2.2.1 d2: page: not so; and 3 more")
    assert [line.split(":")[1] for line in said.splitlines()] == [
        " 2.2.1 d0",
        " 2.2.1 d1",
        " 2.2.1 d2",
    ]
    error, said = reported(tmp_path, broken=2)
    assert error.message == "2 of the releases could not be run, as said above"
    assert (error.hint, said) == ("what to do about each is said there", "")


def test_what_failed_first_is_told_first(tmp_path: Path) -> None:
    """Of each deployment; what was not reached after it comes behind."""
    unreached = tuple(
        make_probe(name, ProbeOutcome.FAILED, "not reached") for name in ("reuse", "list")
    )
    results = [failed("page", name) for name in ("d0", "d1")]
    results = [left(tmp_path, replace(r, probes=(*r.probes, *unreached))) for r in results]
    error, _ = reported(tmp_path, *results)
    assert error.message == (
        "2.2.1 d0: page: not so; 2.2.1 d1: page: not so; 2.2.1 d0: reuse: not reached; and 3 more"
    )


def test_nothing_asserted_is_told(tmp_path: Path) -> None:
    """A deployment of which all was skipped has failed, and the run with it."""
    skipped = (make_probe("page", ProbeOutcome.SKIPPED, "--no-browser"),)
    result = replace(failed("page"), probes=skipped)
    error, _ = reported(tmp_path, left(tmp_path, result))
    assert error.message == "2.2.1 lab: no probe could be made"
