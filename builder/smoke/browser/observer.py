"""Watches a page: every request, every word on its console, its frames and workers included."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from builder.smoke.browser.traffic import Exchange, classify
from builder.smoke.browser.words import Word

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import (
        ConsoleMessage,
        Page,
        Request,
        WebError,
        WebSocket,
    )

_SLICE = 2.0  # seconds after which an interrupted run is noticed


class Observer:
    """What happens in a page, and in all that it opens, from now on.

    Args:
        page: what is watched.
        check_cancelled: called as long as something is waited for; raises when the run was
            interrupted.

    Attributes:
        exchanges: the requests, in order.
        words: what the console got, in order.
    """

    def __init__(self, page: Page, check_cancelled: Callable[[], None]) -> None:
        context = page.context
        self._check_cancelled = check_cancelled
        self.exchanges: list[Exchange] = []
        self.words: list[Word] = []
        self._began = time.monotonic()
        self._times: list[float] = []
        self._pending: dict[Request, Exchange] = {}
        context.on("request", self._asked)
        context.on("requestfinished", self._finished)
        context.on("requestfailed", self._failed)
        context.on("console", self._said)
        context.on("weberror", self._threw)
        page.on("websocket", self._socket)

    def watch(
        self, page: Page, until: Callable[[], bool], seconds: float, every: float = 0.025
    ) -> bool:
        """Let things happen until that is so; whether it became so in time.

        Raises:
            InterruptedRunError: the run was interrupted meanwhile.
        """
        deadline = time.monotonic() + seconds
        while not until():
            self._check_cancelled()
            if time.monotonic() > deadline:
                return False
            # Playwright hands events over while it waits, and in no other moment.
            page.wait_for_timeout(every * 1000)
        return True

    def wait(self, how: Callable[[float], object], seconds: float) -> bool:
        """Let Playwright wait, a short time and then again; whether it succeeded in time.

        Nothing else ends a wait of Playwright's, which is asked for in another thread than Ctrl-C.

        Args:
            how: waits for so many milliseconds, and raises Playwright's TimeoutError then.
            seconds: until when, all in all.

        Raises:
            InterruptedRunError: the run was interrupted meanwhile.
        """
        from playwright.sync_api import TimeoutError as PlaywrightTimeout

        deadline = time.monotonic() + seconds
        while True:
            self._check_cancelled()
            left = deadline - time.monotonic()
            try:
                how(max(1.0, 1000 * min(left, _SLICE)))  # 0 would be for ever
            except PlaywrightTimeout:
                if left <= _SLICE:
                    return False
            else:
                return True

    def requests(self, origin: str, prefix: str) -> str:
        """The request log: seconds, whose, method, status or failure, address."""
        lines = [
            f"{seconds:7.2f} {classify(e, origin, prefix):<11} {e.method:<4} "
            f"{e.failure or e.status or 'no answer'} {e.resource} {e.url}"
            for seconds, e in zip(self._times, self.exchanges, strict=True)
        ]
        return "".join(f"{line}\n" for line in lines)

    def console(self) -> str:
        """The console log."""
        return "".join(f"{w.level}: {w.text.strip()}\n    {w.source}\n" for w in self.words)

    def _asked(self, request: Request) -> None:
        exchange = Exchange(
            request.method, request.url, request.resource_type, framed=_framed(request)
        )
        self._pending[request] = exchange
        self._add(exchange)

    def _finished(self, request: Request) -> None:
        self._end(request, None)

    def _end(self, request: Request, failure: str | None) -> None:
        exchange = self._pending.pop(request, None)
        if exchange is None:  # it was under way when the watch began
            return
        response = request.existing_response
        exchange.status = None if response is None else response.status
        exchange.failure = failure
        exchange.done = True

    def _failed(self, request: Request) -> None:
        self._end(request, request.failure or "failed")

    def _said(self, message: ConsoleMessage) -> None:
        self.words.append(Word(message.type, message.text, message.location.get("url", "")))

    def _threw(self, error: WebError) -> None:
        said = error.error.stack or error.error.message
        self.words.append(Word("uncaught", said, error.location["url"]))

    def _socket(self, socket: WebSocket) -> None:
        self._add(Exchange("WS", socket.url, "websocket", framed=False, status=101, done=True))

    def _add(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        self._times.append(time.monotonic() - self._began)


def _framed(request: Request) -> bool:
    from playwright.sync_api import Error

    try:
        return request.frame.parent_frame is not None
    except Error:  # a new page's first request has no frame yet
        return False
