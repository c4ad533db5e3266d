"""Requests as a browser tells of them, and visits of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.smoke.browser.traffic import PageRequest
from builder.smoke.model import Deployment, Frontend, JupyterSite, ProbeOutcome
from builder.smoke.probes import browser as probes
from builder.smoke.probes.table import PROBE_TABLE
from builder.smoke.results.recorder import ProbeRecorder
from tests.support.smoke_page import CANARY, INSTALLED, PATH, SECRET, Imitation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from builder.smoke.browser.chromium import ChromiumBrowser

ORIGIN = "http://hub.example:8888"
PREFIX = f"{ORIGIN}/user/ada/proxy/6006/"


def make_exchange(
    url: str, *, method: str = "GET", framed: bool = True, status: int = 200
) -> PageRequest:
    """A request that was answered, as a browser tells of it."""
    return PageRequest(method, url, "fetch", framed=framed, status=status, done=True)


class Ours:
    """The way behind the port that a site of ours has; nothing of it is used here."""

    def run_command(
        self, words: Sequence[str], *, root: bool = False, timeout: float = 30.0
    ) -> tuple[int, str]:
        """Not used."""
        raise NotImplementedError

    def read_log(self) -> str:
        """Not used."""
        raise NotImplementedError

    def published_ports(self) -> Mapping[int, int] | None:
        """Not used."""
        raise NotImplementedError

    def check_reachable(self, port: int) -> dict[str, bool]:
        """Not used."""
        raise NotImplementedError


def visit_page(
    go: Callable[[ChromiumBrowser, JupyterSite, str, str, ProbeRecorder, Path], None],
    chromium: ChromiumBrowser,
    defect: str,
    directory: Path,
) -> dict[str, str]:
    """Probe → why it failed, for those that failed themselves."""
    record = ProbeRecorder()
    with Imitation(defect) as imitation:
        layers = ("browser", "reopen") if go is probes.run_browser_probes else ("browser-control",)
        deployment = Deployment("classic", Frontend.CLASSIC, layers=layers)
        site = JupyterSite(deployment, imitation.url, SECRET, INSTALLED, Ours())
        go(chromium, site, PATH, CANARY, record, directory)
    assert {r.name for r in record.results} == {
        n for n, row in PROBE_TABLE.items() if row.layer in layers
    }
    failed = {r.name: r.detail for r in record.results if r.outcome is ProbeOutcome.FAILED}
    return {name: why for name, why in failed.items() if not why.startswith("not reached")}
