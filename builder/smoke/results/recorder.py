"""Run probes and record their results: a probe that was not reached is recorded as failed."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from builder.errors import BuilderError, InterruptedRunError
from builder.smoke.model import LayerAbort, ProbeFailure, ProbeOutcome, ProbeResult
from builder.smoke.probes.table import PROBE_TABLE
from builder.system.redact import redact_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builder.system.redact import Secret

# Most characters of a detail, which is a line in the table and a cell in the report.
_MAX_DETAIL_LENGTH, _ELLIPSIS = 600, " … "


class ProbeDetail:
    """Sets the detail of a probe's result: what the probe saw."""

    def __init__(self) -> None:
        self.text = ""

    def __call__(self, detail: str) -> None:
        """Set the detail; the last call counts."""
        self.text = detail


class ProbeRecorder:
    """The results of one deployment, in order.

    Args:
        report: called with each result as it comes.
        check_cancelled: called before each probe; raises when the run was interrupted.
    """

    def __init__(
        self,
        report: Callable[[ProbeResult], None] = lambda _: None,
        check_cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        self.results: list[ProbeResult] = []
        self._hidden: tuple[str, ...] = ()
        self._report = report
        self.check_cancelled = check_cancelled

    @contextmanager
    def probe(self, name: str, *, vital: bool = False) -> Iterator[ProbeDetail]:
        """Run the block as one probe, which fails if the block raises an expected error.

        The block sets the result's detail by the `ProbeDetail` that it gets; an error's message
        takes its place.

        Args:
            name: its name in the table.
            vital: whether the rest of its layer makes no sense without it.

        Raises:
            LayerAbort: a vital probe failed.
            InterruptedRunError: the run was interrupted.
        """
        self.check_cancelled()
        began = time.monotonic()
        probe_detail = ProbeDetail()
        outcome = ProbeOutcome.PASSED
        try:
            yield probe_detail
        except InterruptedRunError:
            raise
        except list_expected_errors() as error:
            # An interruption ends the site: an error after that is not the probe's failure.
            self.check_cancelled()
            outcome = ProbeOutcome.FAILED
            probe_detail(_shorten_text(self.redact_secrets(str(error))))
        self._add_result(name, outcome, time.monotonic() - began, probe_detail.text)
        if vital and outcome is ProbeOutcome.FAILED:
            raise LayerAbort(name)

    def hide_secret(self, secret: Secret) -> None:
        """Remove a secret from everything that is recorded from now on."""
        self._hidden += secret.list_spellings()

    def redact_secrets(self, text: str) -> str:
        """Remove the hidden secrets from a text."""
        return redact_secrets(text, self._hidden)

    def drop_results(self, since: int) -> None:
        """Drop all results from index `since` on, because their probes run again."""
        del self.results[since:]

    def skip_probe(self, name: str, reason: str) -> None:
        """Record a probe as skipped, and why."""
        self._add_result(name, ProbeOutcome.SKIPPED, 0.0, reason)

    @contextmanager
    def layer(self, *layers: str) -> Iterator[None]:
        """Record as failed all probes of these layers that the block did not reach."""
        detail = "it was not reached"
        try:
            yield
        except LayerAbort as abort:
            detail = f"not reached, as {abort} failed"
        seen = {result.name for result in self.results}
        for name, row in PROBE_TABLE.items():
            if row.layer in layers and name not in seen:
                self._add_result(name, ProbeOutcome.FAILED, 0.0, detail)

    def _add_result(self, name: str, outcome: ProbeOutcome, seconds: float, detail: str) -> None:
        asserts = PROBE_TABLE[name].sentence
        result = ProbeResult(name, outcome, seconds, self.redact_secrets(detail), asserts)
        self.results.append(result)
        self._report(result)


def list_expected_errors() -> tuple[type[Exception], ...]:
    """The exceptions that probes and our libraries raise on a faulty deployment."""
    import requests
    from playwright.sync_api import Error as PlaywrightError
    from websocket import WebSocketException

    return (
        ProbeFailure,
        BuilderError,
        requests.RequestException,
        PlaywrightError,
        WebSocketException,
        TimeoutError,
        ConnectionError,
    )


def _shorten_text(text: str) -> str:
    """Join a text into one line, and cut out its middle if it is long.

    The end stays, because a traceback ends with its error.
    """
    line = " ".join(text.split())
    if len(line) <= _MAX_DETAIL_LENGTH:
        return line
    head = _MAX_DETAIL_LENGTH // 3
    return f"{line[:head]}{_ELLIPSIS}{line[head + len(_ELLIPSIS) - _MAX_DETAIL_LENGTH :]}"
