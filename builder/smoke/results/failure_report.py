"""What a failed deployment leaves for a person: its picture, its log's last lines, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.smoke.model import PROXY_URL_VARIABLE, ProbeOutcome
from builder.smoke.results.result import RESULT_FILENAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.smoke.results.result import DeploymentResult

_LOG_LINES = 12
_PAST_JUPYTER = ("frame-under-prefix", "browser-frame-prefix")


def describe_failure(result: DeploymentResult, reports: Path) -> Iterator[str]:
    """Its pictures' paths, then how each log of its servers ends, for those that it has."""
    place, whose = _build_report_path(result, reports), f"{result.release} {result.deployment}"
    for picture in result.pictures:
        yield f"{whose}: its picture is {place / picture}"
    for log in sorted(place.glob("*.log")):
        said = log.read_text(encoding="utf-8", errors="replace")
        yield f"{whose}: {log}: {quote_log_end(said)}"


def suggest_fix(result: DeploymentResult, reports: Path) -> str:
    """What to do about its first failure."""
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
    place = _build_report_path(result, reports)
    trace = next(iter(sorted(place.glob("*-trace.zip"))), None)
    if trace is not None:
        return f"`playwright show-trace {trace}` shows what the browser saw"
    return f"{place / RESULT_FILENAME} has what each probe saw"


def quote_log_end(log: str) -> str:
    """The last lines of a log, as a hint."""
    return "\n".join(["its log ends with", *log.splitlines()[-_LOG_LINES:]])


def _build_report_path(result: DeploymentResult, reports: Path) -> Path:
    return reports / result.release / result.deployment
