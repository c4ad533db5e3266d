"""Write and read the report of a deployment: a directory with result.json, pictures and logs."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from builder.errors import OutputError, shorten_reason
from builder.smoke.model import ProbeOutcome, ProbeResult
from builder.system.input_files import MAX_DOCUMENT, read_input_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RESULT_FILENAME = "result.json"


class DeploymentResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Result of one deployment of one release; `result.json` has these fields, and the outcome.

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


class StoredResult(NamedTuple):
    """A result, and its directory, relative to the directory of all reports."""

    directory: str
    result: DeploymentResult


def write_result(result: DeploymentResult, directory: Path) -> None:
    """Write `result.json` into the directory of a report; times are rounded to milliseconds.

    Raises:
        OSError: it cannot be written.
    """
    probes = tuple(msgspec.structs.replace(p, seconds=round(p.seconds, 3)) for p in result.probes)
    rounded = msgspec.structs.replace(result, seconds=round(result.seconds, 3), probes=probes)
    whole = msgspec.to_builtins(rounded) | {"outcome": rounded.outcome}
    content = msgspec.json.format(msgspec.json.encode(whole), indent=1)
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
    """Read all results below a directory, sorted by path; not those of runs that go on.

    Raises:
        OutputError: one of them cannot be read, or is no result of ours.
    """
    paths = (path.relative_to(reports) for path in sorted(reports.rglob(RESULT_FILENAME)))
    # A name that begins with a dot is that of a report which is being written.
    return [
        StoredResult(path.parent.as_posix(), _read_result(reports / path))
        for path in paths
        if not any(part.startswith(".") for part in path.parts)
    ]


def _read_result(path: Path) -> DeploymentResult:
    try:
        whole = msgspec.json.decode(read_input_file(path, MAX_DOCUMENT))
        outcome = whole.pop("outcome", None) if isinstance(whole, dict) else None
        result = msgspec.convert(whole, DeploymentResult)
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        raise _make_result_error(path, shorten_reason(error)) from error
    if outcome != result.outcome:
        raise _make_result_error(path, f"it says {outcome!r}, and its probes {result.outcome!r}")
    return result


def _make_result_error(path: Path, why: str) -> OutputError:
    return OutputError(f"{path} is no result: {why}", "remove it, or run that deployment again")


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
