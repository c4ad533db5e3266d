"""Every file that the program reads, and what may stand in its place: no fault of ours, no hang."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING, NamedTuple

import pytest

from builder.cli import _run_command, cli
from tests.support.cli import STOCK_SHA256, WHEEL
from tests.support.odd_files import ODD_FILES
from tests.support.releases import ROOT
from tests.support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

pytestmark = pytest.mark.usefixtures("warm")

_PATCH = next((ROOT / "patches" / "proxy").glob("*.patch")).name
_SERIES = ("--offline", "--patches", "patches")


class Place(NamedTuple):
    """A file that a command reads or replaces: its path, the command, and a variable that names it.

    Attributes:
        path: relative to the working directory.
        words: the command.
        variable: an environment variable that holds `value`, which is a path, or "".
        value: relative to the working directory.
    """

    path: str
    words: str
    variable: str = ""
    value: str = ""


PLACES = {
    "wheel": Place(f"dist/{WHEEL}", f"check dist/{WHEEL} --offline"),
    "stock": Place("stock.whl", f"check dist/{WHEEL} --offline --stock stock.whl"),
    "statement": Place(f"dist/{WHEEL}.provenance.json", f"check dist/{WHEEL} --offline"),
    "statement to verify": Place(
        f"dist/{WHEEL}.provenance.json", f"check dist/{WHEEL} --offline --provenance"
    ),
    "statement in the way": Place(f"dist/{WHEEL}.provenance.json", "build 2.2.1 --offline"),
    "statement to publish": Place(
        f"dist/{WHEEL}.provenance.json", "publish 2.2.1 --offline --dry-run"
    ),
    "attestation": Place(
        f"dist/{WHEEL}.publish.attestation", "publish 2.2.1 --offline --dry-run --attest"
    ),
    "wheel in the way": Place(f"dist/{WHEEL}", "build 2.2.1 --offline"),
    "wheel to replace": Place(f"dist/{WHEEL}", "build 2.2.1 --offline --force"),
    "output": Place("dist", "build 2.2.1 --offline"),
    "project": Place("pyproject.toml", "plan 2.2.1 --offline"),
    "series": Place("patches/proxy/series.toml", f"plan 2.2.1 {' '.join(_SERIES)}"),
    "patch": Place(f"patches/proxy/{_PATCH}", f"plan 2.2.1 {' '.join(_SERIES)}"),
    "catalog": Place("catalog.json", "plan 2.2.1 --offline --catalog catalog.json"),
    "catalog to update": Place("catalog.json", "catalog update --offline --catalog catalog.json"),
    "cached wheel": Place(
        f"cache/tensorboard-proxy-wheels/sha256/9a/{STOCK_SHA256}",
        "build 2.2.1 --offline",
        "XDG_CACHE_HOME",
        "cache",
    ),
    "cache": Place("cache", "build 2.2.1 --offline", "XDG_CACHE_HOME", "cache"),
    "wheel to summarize": Place("dist/other-1-py3-none-any.whl", "summary"),
    "result": Place("reports/2.2.1/lab/result.json", "summary"),
    "result to report": Place("reports/2.2.1/lab/result.json", "report"),
    "page": Place("page.md", "summary", "GITHUB_STEP_SUMMARY", "page.md"),
    "output of a step": Place(
        "outputs", "plan 2.2.1 --offline --matrix m", "GITHUB_OUTPUT", "outputs"
    ),
    "cell": Place("reports/today/cell.json", "today table --offline --page page.md"),
    "pip's configuration": Place("pip.conf", "plan 2.2.1 --offline", "PIP_CONFIG_FILE", "pip.conf"),
    "token": Place("token", "smoke --url http://127.0.0.1:9/ --token-file token --no-browser"),
    "Bazel": Place("bazel", "build 2.2.1 --offline --backend bazel --bazel bazel"),
    "CAs": Place("ca.pem", "build 2.2.1 --offline --backend bazel --ca-bundle ca.pem"),
    ".pypirc": Place(".pypirc", "install-hint 2.2.1 --offline --repository mine", "HOME", "."),
}


@pytest.fixture
def time_limit() -> Iterator[Callable[[], None]]:
    """Restart a limit, so that what waits for ever fails here instead of waiting."""

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        pytest.fail("it still waits")

    def restart() -> None:
        signal.alarm(300)

    before = signal.signal(signal.SIGALRM, stop)
    yield restart
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_nothing_in_place_of_a_file_is_a_fault_of_ours(
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    time_limit: Callable[[], None],
) -> None:
    """Each ends with the exit code of its stage and with one line on what is wrong, or well."""
    for name, make in ODD_FILES.items():
        workdir = tmp_path / name
        _make_project(workdir)
        odd = workdir / place.path
        odd.parent.mkdir(parents=True, exist_ok=True)
        if odd.is_dir():
            shutil.rmtree(odd)
        odd.unlink(missing_ok=True)
        make(odd)
        monkeypatch.chdir(workdir)
        if place.variable:
            monkeypatch.setenv(place.variable, str(workdir / place.value))
        time_limit()
        code = _run_command(place.words.split(), cli, "builder")
        said = capsys.readouterr().err
        assert code != 1, (name, said)
        assert "fault of ours" not in said, name
        assert "Traceback" not in said, name
        assert code == 0 or "error: " in said, name


def _make_project(workdir: Path) -> None:
    """A wheel in dist/, and the series, as in a checkout."""
    (workdir / "dist").mkdir(parents=True)
    (workdir / "dist" / WHEEL).write_bytes(make_wheel().file.content)
    shutil.copytree(ROOT / "patches", workdir / "patches")
