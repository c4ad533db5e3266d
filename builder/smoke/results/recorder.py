"""Runs probes and keeps what became of them: nothing that was due is ever silently missing."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.errors import BuilderError, InterruptedRunError
from builder.smoke.model import LayerAbort, ProbeFailure, ProbeOutcome, ProbeResult
from builder.smoke.probes.table import PROBE_TABLE
from builder.smoke.results.scrub import scrub_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builder.system.redact import Secret

# Characters of a detail: a line in the table, a cell in the report.
_LONGEST, _GAP = 600, " … "


class ProbeDetail:
    """Where a probe says what it saw."""

    def __init__(self) -> None:
        self.text = ""

    def __call__(self, detail: str) -> None:
        """Say it; the last word counts."""
        self.text = detail


class ProbeRecorder:
    """The results of one deployment, in order.

    Args:
        report: told of each result as it comes.
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
        """One probe: what the block raises is its failure, what it tells is its detail.

        Args:
            name: in the table.
            vital: whether the rest of its layer makes no sense without it.

        Raises:
            Halt: a vital probe failed.
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
            # An interrupted run takes the site away: what fails then has not failed.
            self.check_cancelled()
            outcome = ProbeOutcome.FAILED
            probe_detail(_shorten_text(self.scrub_secrets(str(error))))
        self._add_result(ProbeResult(name, outcome, time.monotonic() - began, probe_detail.text))
        if vital and outcome is ProbeOutcome.FAILED:
            raise LayerAbort(name)

    def hide_secret(self, secret: Secret) -> None:
        """Take that secret out of all that is told from now on."""
        self._hidden += secret.list_spellings()

    def scrub_secrets(self, text: str) -> str:
        """The same without what is to be hidden."""
        return scrub_text(text, self._hidden)

    def drop_results(self, since: int) -> None:
        """Take back all results from that number on: what they were about is asked again."""
        del self.results[since:]

    def skip_probe(self, name: str, reason: str) -> None:
        """A probe that cannot be made here, and why."""
        self._add_result(ProbeResult(name, ProbeOutcome.SKIPPED, 0.0, reason))

    @contextmanager
    def layer(self, *layers: str) -> Iterator[None]:
        """All probes of these layers: what was not reached when the block ends has failed."""
        halted = "it was not reached"
        try:
            yield
        except LayerAbort as halt:
            halted = f"not reached, as {halt} failed"
        seen = {result.name for result in self.results}
        for name, row in PROBE_TABLE.items():
            if row.layer in layers and name not in seen:
                self._add_result(ProbeResult(name, ProbeOutcome.FAILED, 0.0, halted))

    def _add_result(self, result: ProbeResult) -> None:
        if result.name not in PROBE_TABLE:
            raise KeyError(result.name)
        result = replace(result, detail=self.scrub_secrets(result.detail))
        self.results.append(result)
        self._report(result)


def list_expected_errors() -> tuple[type[Exception], ...]:
    """What a deployment that is not as it should be makes our libraries raise."""
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
    """In one line, without its middle if it is long: a traceback says at its end what it was."""
    words = " ".join(text.split())
    if len(words) <= _LONGEST:
        return words
    head = _LONGEST // 3
    return f"{words[:head]}{_GAP}{words[head + len(_GAP) - _LONGEST :]}"
