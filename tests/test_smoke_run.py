"""A deployment's report is left whatever becomes of it, without its token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from builder.errors import BuilderError
from builder.smoke.model import Deployment, Frontend, Outcome, Site, Subject
from builder.smoke.results.result import RESULT
from builder.smoke.run import Walk, layers, reported

if TYPE_CHECKING:
    from pathlib import Path

    from builder.smoke.model import ProbeResult
    from builder.smoke.results.recorder import Recorder

TOKEN = "canary-b2c001"


@pytest.mark.parametrize("error", [TypeError, TimeoutError])
def test_the_report_of_a_deployment_that_broke_off_is_there(
    tmp_path: Path, error: type[Exception]
) -> None:
    """With its pictures and what kept it; what nobody foresaw goes on to the command as well."""
    told: list[ProbeResult] = []
    how = Walk("x", None, tmp_path, lambda _, r: told.append(r), lambda: None, lambda _: None)
    site = Site(Deployment("lab", Frontend.LAB), "http://h/", TOKEN, "2.2.1")

    def work(record: Recorder, room: Path) -> None:
        layers(how, site, subject, record, room)
        record.skip("page", f"?token={TOKEN}")
        (room / "jupyterlab.png").write_bytes(b"")
        raise error(f"at http://h/?token={TOKEN}")

    subject = Subject(None, "2.2.1", "2.2.1")
    if error is TimeoutError:
        assert reported(how, "lab", subject, work).outcome is Outcome.FAILED
    else:
        with pytest.raises(BuilderError, match="a fault of ours: TypeError") as caught:
            reported(how, "lab", subject, work)
        assert TOKEN not in caught.value.message
    place = tmp_path / "2.2.1" / "lab"
    assert sorted(p.name for p in place.iterdir()) == ["jupyterlab.png", RESULT]
    result = json.loads((place / RESULT).read_text())
    assert result["failure"].endswith("at http://h/?token=(hidden)")
    assert result["outcome"] == Outcome.FAILED
    assert TOKEN not in (place / RESULT).read_text() + str(told)
    assert len(told) == 1
