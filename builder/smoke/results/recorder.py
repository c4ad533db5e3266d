"""Runs probes and keeps what became of them: nothing that was due is ever silently missing."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.errors import BuilderError, InterruptedRunError
from builder.smoke.model import Halt, Outcome, ProbeFailure, ProbeResult
from builder.smoke.probes.table import TABLE
from builder.smoke.results.scrub import scrub, spellings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Characters of a detail: a line in the table, a cell in the report.
_LONGEST, _GAP = 600, " … "


class Told:
    """Where a probe says what it saw."""

    def __init__(self) -> None:
        self.detail = ""

    def __call__(self, detail: str) -> None:
        """Say it; the last word counts."""
        self.detail = detail


class Recorder:
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
    def probe(self, name: str, *, vital: bool = False) -> Iterator[Told]:
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
        told = Told()
        outcome = Outcome.PASSED
        try:
            yield told
        except InterruptedRunError:
            raise
        except foreseen() as error:
            # An interrupted run takes the site away: what fails then has not failed.
            self.check_cancelled()
            outcome = Outcome.FAILED
            told(_shortened(self.scrub(str(error))))
        self._add(ProbeResult(name, outcome, time.monotonic() - began, told.detail))
        if vital and outcome is Outcome.FAILED:
            raise Halt(name)

    def hide(self, token: str) -> None:
        """Take that token out of all that is told from now on."""
        self._hidden += spellings(token)

    def scrub(self, text: str) -> str:
        """The same without what is to be hidden."""
        return scrub(text, self._hidden)

    def forget(self, since: int) -> None:
        """Take back all results from that number on: what they were about is asked again."""
        del self.results[since:]

    def skip(self, name: str, reason: str) -> None:
        """A probe that cannot be made here, and why."""
        self._add(ProbeResult(name, Outcome.SKIPPED, 0.0, reason))

    @contextmanager
    def layer(self, *layers: str) -> Iterator[None]:
        """All probes of these layers: what was not reached when the block ends has failed."""
        halted = "it was not reached"
        try:
            yield
        except Halt as halt:
            halted = f"not reached, as {halt} failed"
        seen = {result.name for result in self.results}
        for name, row in TABLE.items():
            if row.layer in layers and name not in seen:
                self._add(ProbeResult(name, Outcome.FAILED, 0.0, halted))

    def _add(self, result: ProbeResult) -> None:
        if result.name not in TABLE:
            raise KeyError(result.name)
        result = replace(result, detail=self.scrub(result.detail))
        self.results.append(result)
        self._report(result)


def foreseen() -> tuple[type[Exception], ...]:
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


def _shortened(text: str) -> str:
    """In one line, without its middle if it is long: a traceback says at its end what it was."""
    words = " ".join(text.split())
    if len(words) <= _LONGEST:
        return words
    head = _LONGEST // 3
    return f"{words[:head]}{_GAP}{words[head + len(_GAP) - _LONGEST :]}"
