"""Write and read the report of a deployment: a directory with result.json, pictures and logs."""

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
    """Result of one deployment of one release.

    Attributes:
        engine: which engine ran it, its version, and the kernel's Python.
        wheel: file name of the TensorBoard wheel, or "" if there is no file.
        sha256: SHA-256 of that wheel in hex, or "".
        seconds: from the start of the site to its end.
        failure: the error that kept the probes from running at all, or "".
        pictures: file names of its pictures.
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
        """Passed only if every probe that was not skipped has passed, and at least one has."""
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
    """A new directory to fill, which replaces the deployment's report if the block succeeds.

    Raises:
        OutputError: it cannot be written.
    """
    report = reports / release / deployment
    try:
        report.parent.mkdir(parents=True, exist_ok=True)
        workdir = Path(tempfile.mkdtemp(prefix=f".{deployment}-", dir=report.parent))
        workdir.chmod(0o755)  # mkdtemp makes it 0700
    except OSError as error:
        raise OutputError(f"{report} cannot be written: {error}", "--reports DIR") from error
    try:
        yield workdir
        _replace_directory(workdir, report)
    finally:
        shutil.rmtree(workdir, ignore_errors=True)


def _replace_directory(workdir: Path, directory: Path) -> None:
    """Move the new directory to the place of the old one.

    That takes two steps, as a directory cannot be replaced in one call.
    """
    old = workdir.with_name(workdir.name + "-old")
    try:
        if directory.exists():
            os.rename(directory, old)  # noqa: PTH104 - never into a directory that is there
        os.rename(workdir, directory)  # noqa: PTH104
    except OSError as error:
        raise OutputError(f"{directory} cannot be replaced: {error}", "--reports DIR") from error
    finally:
        shutil.rmtree(old, ignore_errors=True)


def read_results(reports: Path) -> list[dict[str, object]]:
    """Read all result.json files below a directory, as they are, sorted by path.

    Raises:
        OutputError: one of them cannot be read, or is not a JSON object.
    """
    results: list[dict[str, object]] = []
    for path in sorted(reports.glob(f"*/*/{RESULT_FILENAME}")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OutputError(f"{path} cannot be read: {error}", "remove it") from error
        if not isinstance(content, dict):
            raise OutputError(f"{path} is no result of ours", "remove it")
        results.append(content)
    return results


def list_failures(results: Sequence[DeploymentResult]) -> list[str]:
    """List the failures of all deployments, one line for each."""
    lines: list[str] = []
    for result in results:
        label = f"{result.release} {result.deployment}"
        details = [result.failure] if result.failure else []
        details += [
            f"{p.name}: {p.detail}" for p in result.probes if p.outcome is ProbeOutcome.FAILED
        ]
        if not details and result.outcome is ProbeOutcome.FAILED:
            details = ["no probe could be made"]
        lines += [f"{label}: {line}" for line in details]
    return lines
