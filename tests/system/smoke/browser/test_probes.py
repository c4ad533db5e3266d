"""The browser's probes: what they tell apart, and that each defect fails the probe meant for it."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from builder.smoke.browser import browser_session, frontends
from builder.smoke.jupyter.login import has_form
from builder.smoke.model import Deployment, Frontend, JupyterSite, ProbeOutcome
from builder.smoke.probes import browser as probes
from builder.smoke.results.recorder import ProbeRecorder
from tests.support.browser import Ours, visit_page
from tests.support.limits import scaled
from tests.support.smoke_page import CANARY, INSTALLED, PATH, SECRET, TOKEN, Imitation

if TYPE_CHECKING:
    from pathlib import Path

    from builder.smoke.browser.chromium import ChromiumBrowser


def test_a_good_page_passes(chromium: ChromiumBrowser, tmp_path: Path) -> None:
    """Nothing fails, and a picture and two logs stay, without a trace."""
    assert visit_page(probes.run_browser_probes, chromium, "", tmp_path) == {}
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "classic-console.txt",
        "classic-requests.txt",
        "classic.png",
    ]
    log = (tmp_path / "classic-requests.txt").read_text()
    assert re.search(r"tensorboard GET +200 script http://127.0.0.1:\d+/proxy/6006/index.js", log)


def _theirs(imitation: Imitation, frontend: Frontend = Frontend.CLASSIC) -> JupyterSite:
    """The same as a Jupyter that is not ours."""
    deployment = Deployment("theirs", frontend, layers=("browser", "reopen"))
    site = JupyterSite(deployment, imitation.url, SECRET, INSTALLED)
    return replace(site, has_form=has_form(site))


def test_without_a_form_the_token_is_in_a_header(chromium: ChromiumBrowser, tmp_path: Path) -> None:
    """A Hub's server has none: all is asked for with the token, which is in no file and address."""
    record = ProbeRecorder()
    with Imitation("error", form=False) as imitation:
        site = _theirs(imitation)
        probes.run_browser_probes(chromium, site, PATH, CANARY, record, tmp_path)
        asked = imitation.asked
    failed = [r.name for r in record.results if r.outcome is ProbeOutcome.FAILED]
    assert failed == ["browser-console-clean"]
    framed = [who for method, path, who in asked if path.startswith("/proxy/6006/")]
    assert framed
    assert set(framed) == {f"token {TOKEN}"}
    with zipfile.ZipFile(tmp_path / "classic-trace.zip") as archive:
        members = [archive.read(name) for name in archive.namelist()]
    files = [p.read_bytes() for p in tmp_path.iterdir() if p.suffix != ".zip"]
    assert not any(TOKEN.encode() in content for content in (*members, *files))
    assert any(b"token ***" in member for member in members)


def test_a_form_that_is_missing_in_ours_is_a_failure(
    chromium: ChromiumBrowser, tmp_path: Path
) -> None:
    """The token is no way round the form where there must be one."""
    record = ProbeRecorder()
    with pytest.MonkeyPatch.context() as patch, Imitation("", form=False) as imitation:
        patch.setattr(browser_session, "LOGIN_TIMEOUT", 1.0)
        site = replace(_theirs(imitation), access=Ours(), has_form=True)
        probes.run_browser_probes(chromium, site, PATH, CANARY, record, tmp_path)
    assert record.results[0].name == "browser-log-in"
    assert record.results[0].outcome is ProbeOutcome.FAILED


def test_what_the_front_end_keeps_goes_again_after_a_failure(
    chromium: ChromiumBrowser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JupyterLab's workspace of a visit that failed is deleted, by the site's own way."""
    monkeypatch.setattr(frontends, "OPEN", 0.5)
    record = ProbeRecorder()
    with Imitation("") as imitation:
        site = _theirs(imitation, Frontend.LAB)
        probes.run_browser_probes(chromium, site, PATH, CANARY, record, tmp_path)
        kept = f"/lab/api/workspaces/{re.sub('[^a-z]', '-', PATH)}"
        assert imitation.asked[-1] == ("DELETE", kept, f"token {TOKEN}")
    assert record.results[1].name == "browser-kernel-idle"
    assert record.results[1].outcome is ProbeOutcome.FAILED


def test_a_question_under_way_is_waited_for(chromium: ChromiumBrowser, tmp_path: Path) -> None:
    """What Jupyter takes two seconds to answer, while the page is judged, has not failed."""
    assert visit_page(probes.run_browser_probes, chromium, "slow answer", tmp_path) == {}


@pytest.mark.parametrize(
    ("defect", "fails"),
    [
        ("no entry", {"log-in"}),
        ("busy kernel", {"kernel-idle"}),
        ("cell error", {"cells-run"}),
        ("two frames", {"one-frame"}),
        ("notice", {"one-frame"}),
        ("direct", {"frame-prefix"}),
        ("no tag", {"canary-visible"}),
        ("hidden chart", {"chart-drawn"}),
        ("no curve", {"chart-drawn"}),
        ("foreign", {"nothing-foreign", "console-clean"}),
        ("stray", {"nothing-stray"}),
        ("other font", {"nothing-stray", "nothing-failed", "console-clean"}),
        ("no worker", {"nothing-failed"}),
        ("no listing", {"nothing-failed", "assets-by-name", "console-clean"}),
        ("listing not asked for", {"assets-by-name"}),
        ("error", {"console-clean"}),
        ("uncaught", {"console-clean"}),
        ("output lost", {"reopened-trusted"}),
        ("untrusted shown", {"reopened-untrusted"}),
    ],
)
def test_each_defect_fails_its_probe(
    chromium: ChromiumBrowser, tmp_path: Path, defect: str, fails: set[str]
) -> None:
    """A page with one defect fails the probes meant for it and no other."""
    failed = visit_page(probes.run_browser_probes, chromium, defect, tmp_path)
    assert set(failed) == {f"browser-{name}" for name in fails}, failed
    assert (tmp_path / "classic.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.alone  # the page draws it after a moment, and the probe looks for two seconds
def test_a_frame_that_comes_late_is_seen(
    chromium: ChromiumBrowser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An untrusted notebook that shows it a moment after its output has not got away with it."""
    monkeypatch.setattr(probes, "_NEVER", scaled(2.0))
    failed = visit_page(probes.run_browser_probes, chromium, "untrusted shown late", tmp_path)
    assert set(failed) == {"browser-reopened-untrusted"}, failed


def test_the_control_wants_a_dead_frame(chromium: ChromiumBrowser, tmp_path: Path) -> None:
    """It passes where the frame points past Jupyter, and fails where TensorBoard is seen."""
    assert visit_page(probes.run_browser_control, chromium, "direct", tmp_path) == {}
    assert set(visit_page(probes.run_browser_control, chromium, "", tmp_path)) == {
        "browser-control-direct"
    }
