"""builder.smoke.walk: what a run without the browser says of the browser's probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.smoke.model import Deployment, Frontend, Outcome, Site, Subject
from builder.smoke.recorder import Recorder
from builder.smoke.table import TABLE
from builder.smoke.walk import Walk, layers

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_browser_its_probes_are_skipped_and_say_why(tmp_path: Path) -> None:
    """All of the layers that the deployment has, and no other."""
    how = Walk("none", None, tmp_path, lambda *_: None, lambda: None, print, unseen="too old")
    site = Site(
        Deployment("x", Frontend.LAB, layers=("browser", "reopen")), "http://h/", "", "2.2.1"
    )
    record = Recorder()
    layers(how, site, Subject(None, "2.2.1", "2.2.1"), record, tmp_path)
    wanted = [name for name, row in TABLE.items() if row.layer in {"browser", "reopen"}]
    assert [result.name for result in record.results] == wanted
    assert {(r.outcome, r.detail) for r in record.results} == {(Outcome.SKIPPED, "too old")}
