"""A deployment's report is left whatever becomes of it, without its token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from builder.errors import BuilderError
from builder.smoke.model import Deployment, Frontend, JupyterSite, ProbeOutcome
from builder.smoke.results.result import RESULT_FILENAME
from builder.smoke.run import SmokeContext, report_deployment, run_layers
from builder.system.redact import Secret
from tests.support.smoke_page import INSTALLED

if TYPE_CHECKING:
    from pathlib import Path

    from builder.smoke.model import ProbeResult
    from builder.smoke.results.recorder import ProbeRecorder

TOKEN = "canary-b2c001"


@pytest.mark.parametrize("error", [TypeError, TimeoutError])
def test_the_report_of_a_deployment_that_broke_off_is_there(
    tmp_path: Path, error: type[Exception]
) -> None:
    """With its pictures and what kept it; what nobody foresaw goes on to the command as well."""
    reported: list[ProbeResult] = []
    how = SmokeContext(
        "x", None, tmp_path, lambda _, r: reported.append(r), lambda: None, lambda _: None
    )
    site = JupyterSite(Deployment("lab", Frontend.LAB), "http://h/", Secret(TOKEN), INSTALLED)

    def work(record: ProbeRecorder, workdir: Path) -> None:
        run_layers(how, site, record, workdir)
        record.skip_probe("page", f"?token={TOKEN}")
        (workdir / "jupyterlab.png").write_bytes(b"")
        raise error(f"at http://h/?token={TOKEN}")

    wheel = INSTALLED
    if error is TimeoutError:
        assert report_deployment(how, "lab", wheel, work).outcome is ProbeOutcome.FAILED
    else:
        with pytest.raises(BuilderError, match="a fault of ours: TypeError") as caught:
            report_deployment(how, "lab", wheel, work)
        assert TOKEN not in caught.value.message
    place = tmp_path / "2.2.1" / "lab"
    assert sorted(p.name for p in place.iterdir()) == ["jupyterlab.png", RESULT_FILENAME]
    result = json.loads((place / RESULT_FILENAME).read_text())
    assert result["failure"].endswith("at http://h/?token=***")
    assert result["outcome"] == ProbeOutcome.FAILED
    assert TOKEN not in (place / RESULT_FILENAME).read_text() + str(reported)
    assert len(reported) == 1
