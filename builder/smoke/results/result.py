"""Write and read the report of a deployment: a directory with result.json, pictures and logs."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from builder.errors import OutputError
from builder.smoke.model import ProbeOutcome, ProbeResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RESULT_FILENAME = "result.json"


class DeploymentResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Result of one deployment of one release; `result.json` has these fields, in this order.

    Attributes:
        engine: which engine ran it, its version, and the kernel's Python.
        wheel: file name of the TensorBoard wheel, or "" if there is no file.
        sha256: SHA-256 of that wheel in hex, or "".
        seconds: from the start of the site to its end.
        failure: the error that kept the probes from running at all, or "".
        pictures: file names of its pictures.
        date: the day on which it began, in UTC, such as `2026-11-25`.
        outcome: passed only if every probe that was not skipped has passed, and at least one has;
            it follows from the other fields, whatever a file says.
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
    outcome: ProbeOutcome = ProbeOutcome.FAILED

    def __post_init__(self) -> None:
        """Judge the outcome."""
        outcomes = {p.outcome for p in self.probes}
        is_failed = (
            self.failure or ProbeOutcome.FAILED in outcomes or ProbeOutcome.PASSED not in outcomes
        )
        outcome = ProbeOutcome.FAILED if is_failed else ProbeOutcome.PASSED
        msgspec.structs.force_setattr(self, "outcome", outcome)


class StoredResult(NamedTuple):
    """A result, and its directory, relative to the directory of all reports."""

    directory: str
    result: DeploymentResult


def write_result(result: DeploymentResult, directory: Path) -> None:
    """Write `result.json` into the directory of a report; times are rounded to milliseconds."""
    probes = tuple(msgspec.structs.replace(p, seconds=round(p.seconds, 3)) for p in result.probes)
    rounded = msgspec.structs.replace(result, seconds=round(result.seconds, 3), probes=probes)
    content = msgspec.json.format(msgspec.json.encode(rounded), indent=1)
    (directory / RESULT_FILENAME).write_bytes(content + b"\n")


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


def read_results(reports: Path) -> list[StoredResult]:
    """Read all results below a directory, sorted by path.

    Raises:
        OutputError: one of them cannot be read, or is no result of ours.
    """
    return [
        StoredResult(path.parent.relative_to(reports).as_posix(), _read_result(path))
        for path in sorted(reports.rglob(RESULT_FILENAME))
    ]


def _read_result(path: Path) -> DeploymentResult:
    try:
        return msgspec.json.decode(path.read_bytes(), type=DeploymentResult)
    except (OSError, msgspec.DecodeError) as error:
        raise OutputError(
            f"{path} cannot be read: {error}", "remove it, or run that deployment again"
        ) from error


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
