"""Describe a failed deployment: its pictures, the last lines of its logs, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.smoke.model import PROXY_URL_VARIABLE, ProbeOutcome
from builder.smoke.results.result import RESULT_FILENAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.smoke.results.result import DeploymentResult

_LOG_LINES = 12
# Probes that fail if the frame does not load through Jupyter: the variable or the patch is missing.
_PAST_JUPYTER = ("frame-under-prefix", "browser-frame-prefix")


def describe_failure(result: DeploymentResult, reports: Path) -> Iterator[str]:
    """List the paths of its pictures, then the last lines of each server log that it has."""
    directory, label = _build_report_path(result, reports), f"{result.release} {result.deployment}"
    for picture in result.pictures:
        yield f"{label}: its picture is {directory / picture}"
    for log in sorted(directory.glob("*.log")):
        text = log.read_text(encoding="utf-8", errors="replace")
        yield f"{label}: {log}: {quote_log_end(text)}"


def suggest_fix(result: DeploymentResult, reports: Path) -> str:
    """Suggest what to do about its first failure."""
    first = next((p.name for p in result.probes if p.outcome is ProbeOutcome.FAILED), "")
    if first in _PAST_JUPYTER and not result.failure:
        if not result.wheel:
            return (
                f"set {PROXY_URL_VARIABLE} where its kernels start (docs/proxy-url.md), and have a "
                "TensorBoard with the patch there"
            )
        return (
            f"if {result.wheel} was built without the series proxy, it is without the patch: build "
            f"it with the default series, `nox -s build -- {result.release} --force`"
        )
    directory = _build_report_path(result, reports)
    trace = next(iter(sorted(directory.glob("*-trace.zip"))), None)
    if trace is not None:
        return f"`playwright show-trace {trace}` shows what the browser saw"
    return f"{directory / RESULT_FILENAME} has what each probe saw"


def quote_log_end(log: str) -> str:
    """The last lines of a log, as a hint."""
    return "\n".join(["its log ends with", *log.splitlines()[-_LOG_LINES:]])


def _build_report_path(result: DeploymentResult, reports: Path) -> Path:
    return reports / result.release / result.deployment
