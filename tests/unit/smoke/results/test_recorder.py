"""The recorder: nothing that was due is silently missing, and nothing unforeseen is swallowed."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import requests

from builder.errors import InterruptedRunError
from builder.smoke.model import ProbeFailure, ProbeOutcome, ProbeResult
from builder.smoke.probes.table import PROBE_TABLE
from builder.smoke.results.recorder import ProbeRecorder
from builder.system.redact import Secret

ONLY = [name for name, row in PROBE_TABLE.items() if row.layer == "only"]


def outcomes(record: ProbeRecorder) -> dict[str, ProbeOutcome]:
    """Name → outcome."""
    return {r.name: r.outcome for r in record.results}


def fail(error: Exception) -> None:
    """What a probe does that does not like what it sees."""
    raise error


def test_what_was_not_reached_has_failed() -> None:
    """A layer whose block ends early has all its probes in the results."""
    record = ProbeRecorder()
    with record.layer("only"), record.probe(ONLY[0]) as reported:
        reported("seen")
    assert list(outcomes(record)) == ONLY
    assert record.results[0] == ProbeResult(
        ONLY[0],
        ProbeOutcome.PASSED,
        record.results[0].seconds,
        "seen",
        PROBE_TABLE[ONLY[0]].sentence,
    )
    assert {r.outcome for r in record.results[1:]} == {ProbeOutcome.FAILED}
    assert "not reached" in record.results[1].detail


def test_a_vital_probe_ends_its_layer_and_is_named() -> None:
    """What comes after it in the block does not run."""
    record = ProbeRecorder()
    went_on: list[str] = []
    with record.layer("only"):
        with record.probe(ONLY[0], vital=True):
            fail(ProbeFailure("dead"))
        went_on.append(ONLY[0])
    assert not went_on
    assert [r.detail for r in record.results[:2]] == [
        "dead",
        f"not reached, as {ONLY[0]} failed",
    ]


@pytest.mark.parametrize("error", [requests.ConnectionError("gone"), TimeoutError("late")])
def test_what_our_libraries_raise_is_a_failure(error: Exception) -> None:
    """A site that does not answer fails the probe, not the run."""
    record = ProbeRecorder()
    with record.probe(ONLY[0]):
        fail(error)
    assert record.results[0].outcome is ProbeOutcome.FAILED
    assert str(error) in record.results[0].detail


@pytest.mark.parametrize("before", range(590, 602))
def test_no_token_is_told(before: int) -> None:
    """Neither by a failure, in which it may be cut, nor by a probe, as it is or in an address."""
    token = "canary/93c1d7"
    told_of: list[ProbeResult] = []
    record = ProbeRecorder(told_of.append)
    record.hide_secret(Secret(token))
    with record.probe(ONLY[0]):
        fail(ProbeFailure("x" * (before % 7) + f"at http://h/?token={quote(token, safe='')} " * 40))
    with record.probe(ONLY[1]) as reported:
        reported("y" * before + token)
    for result in (*record.results, *told_of):
        assert "canary" not in result.detail
        assert "***" in result.detail


def test_a_fault_of_ours_is_not_swallowed() -> None:
    """A programming error is no outcome of a probe."""
    record = ProbeRecorder()
    with pytest.raises(ZeroDivisionError), record.probe(ONLY[0]):
        raise ZeroDivisionError
    assert record.results == []


def test_an_interrupted_run_has_no_failures() -> None:
    """What breaks because the site was taken away is not written down as failed."""
    interrupted = False

    def check() -> None:
        if interrupted:
            raise InterruptedRunError("interrupted", "")

    record = ProbeRecorder(check_cancelled=check)
    with pytest.raises(InterruptedRunError), record.probe(ONLY[0]):  # noqa: PT012 - the probe's block
        interrupted = True
        raise ProbeFailure("the container is gone")
    assert record.results == []


def test_a_name_that_is_not_in_the_table_is_refused() -> None:
    """docs/smoke.md has every probe, since the table has."""
    with pytest.raises(KeyError):
        ProbeRecorder().skip_probe("no-such-probe", "")
