"""The report of a deployment: a directory with result.json, pictures and logs, made in one step."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import OutputError
from builder.smoke.model import ProbeOutcome, ProbeResult
from builder.smoke.probes.table import PROBE_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RESULT_FILENAME = "result.json"


@dataclass(frozen=True, slots=True)
class DeploymentResult:
    """What became of one deployment of one release.

    Attributes:
        engine: which engine ran it, its version, and the kernel's Python.
        wheel: file name of the TensorBoard wheel.
        sha256: of that wheel.
        seconds: from the start of the site to its end.
        failure: what kept the probes from being made at all, or "".
        pictures: file names.
        date: the day on which it began, in UTC, such as `2026-11-25`.
    """

    release: str
    deployment: str
    engine: str
    wheel: str
    sha256: str
    seconds: float
    probes: tuple[ProbeResult, ...]
    failure: str = ""
    pictures: tuple[str, ...] = ()
    date: str = ""

    @property
    def outcome(self) -> ProbeOutcome:
        """Passed only if every probe that could be made has passed, and any was made."""
        outcomes = {p.outcome for p in self.probes}
        if self.failure or ProbeOutcome.FAILED in outcomes or ProbeOutcome.PASSED not in outcomes:
            return ProbeOutcome.FAILED
        return ProbeOutcome.PASSED

    def to_json(self) -> str:
        """The content of result.json; times are rounded to milliseconds."""
        probes = [
            asdict(p) | {"seconds": round(p.seconds, 3), "asserts": PROBE_TABLE[p.name].sentence}
            for p in self.probes
        ]
        whole = asdict(self) | {
            "outcome": self.outcome,
            "seconds": round(self.seconds, 3),
            "probes": probes,
        }
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


@contextmanager
def open_report_directory(reports: Path, release: str, deployment: str) -> Iterator[Path]:
    """A directory to fill, which replaces that deployment's report when the block ends well.

    Raises:
        OutputError: it cannot be written.
    """
    place = reports / release / deployment
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        workdir = Path(tempfile.mkdtemp(prefix=f".{deployment}-", dir=place.parent))
        workdir.chmod(0o755)
    except OSError as error:
        raise OutputError(f"{place} cannot be written: {error}", "--reports DIR") from error
    try:
        yield workdir
        _replace_directory(workdir, place)
    finally:
        shutil.rmtree(workdir, ignore_errors=True)


def _replace_directory(workdir: Path, place: Path) -> None:
    """Put the new directory where the old one was; a directory cannot be replaced in one call."""
    old = workdir.with_name(workdir.name + "-old")
    try:
        if place.exists():
            os.rename(place, old)  # noqa: PTH104 - never into a directory that is there
        os.rename(workdir, place)  # noqa: PTH104
    except OSError as error:
        raise OutputError(f"{place} cannot be replaced: {error}", "--reports DIR") from error
    finally:
        shutil.rmtree(old, ignore_errors=True)


def read_results(reports: Path) -> list[dict[str, object]]:
    """All result.json files below a directory, as they are, sorted by path.

    Raises:
        OutputError: one of them is no JSON object.
    """
    found: list[dict[str, object]] = []
    for path in sorted(reports.glob(f"*/*/{RESULT_FILENAME}")):
        try:
            read_back = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OutputError(f"{path} cannot be read: {error}", "remove it") from error
        if not isinstance(read_back, dict):
            raise OutputError(f"{path} is no result of ours", "remove it")
        found.append(read_back)
    return found


def list_failures(results: Sequence[DeploymentResult]) -> list[str]:
    """One line for each thing that failed."""
    lines: list[str] = []
    for result in results:
        where = f"{result.release} {result.deployment}"
        own = [result.failure] if result.failure else []
        own += [f"{p.name}: {p.detail}" for p in result.probes if p.outcome is ProbeOutcome.FAILED]
        if not own and result.outcome is ProbeOutcome.FAILED:
            own = ["no probe could be made"]
        lines += [f"{where}: {line}" for line in own]
    return lines
