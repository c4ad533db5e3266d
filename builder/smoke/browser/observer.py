"""Record all requests and console entries of a page, those of its frames and workers included."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from builder.smoke.browser.console_log import ConsoleEntry
from builder.smoke.browser.traffic import PageRequest, classify_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import ConsoleMessage, Page, Request, WebError, WebSocket

_SLICE = 2.0  # seconds after which an interrupted run is noticed


class PageObserver:
    """Records what happens in a page, and in all that it opens, from now on.

    Args:
        page: the page to observe.
        check_cancelled: called again and again while waiting; raises if the run was interrupted.

    Attributes:
        page_requests: the requests, in order.
        console_entries: the entries of the console, in order.
    """

    def __init__(self, page: Page, check_cancelled: Callable[[], None]) -> None:
        context = page.context
        self._check_cancelled = check_cancelled
        self.page_requests: list[PageRequest] = []
        self.console_entries: list[ConsoleEntry] = []
        self._began = time.monotonic()
        self._times: list[float] = []
        self._pending: dict[Request, PageRequest] = {}
        context.on("request", self._on_request)
        context.on("requestfinished", self._on_finished)
        context.on("requestfailed", self._on_failed)
        context.on("console", self._on_console)
        context.on("weberror", self._on_web_error)
        page.on("websocket", self._on_websocket)

    def watch_until(
        self, page: Page, until: Callable[[], bool], seconds: float, every: float = 0.025
    ) -> bool:
        """Let the page run until a condition holds; whether it held in time.

        Raises:
            InterruptedRunError: the run was interrupted meanwhile.
        """
        deadline = time.monotonic() + seconds
        while not until():
            self._check_cancelled()
            if time.monotonic() > deadline:
                return False
            # Playwright delivers events only while it waits.
            page.wait_for_timeout(every * 1000)
        return True

    def wait_interruptibly(self, wait: Callable[[float], object], seconds: float) -> bool:
        """Let Playwright wait in short slices; whether it succeeded in time.

        Nothing else could end a wait of Playwright's: Ctrl-C arrives in another thread.

        Args:
            wait: waits for so many milliseconds at most, then raises Playwright's TimeoutError.
            seconds: the time limit for all slices together.

        Raises:
            InterruptedRunError: the run was interrupted meanwhile.
        """
        from playwright.sync_api import TimeoutError as PlaywrightTimeout

        deadline = time.monotonic() + seconds
        while True:
            self._check_cancelled()
            left = deadline - time.monotonic()
            try:
                wait(max(1.0, 1000 * min(left, _SLICE)))  # 0 would mean no limit
            except PlaywrightTimeout:
                if left <= _SLICE:
                    return False
            else:
                return True

    def format_requests(self, origin: str, prefix: str) -> str:
        """Format the request log: seconds, owner, method, status or failure, resource, address."""
        lines = [
            f"{seconds:7.2f} {classify_request(e, origin, prefix):<11} {e.method:<4} "
            f"{e.failure or e.status or 'no answer'} {e.resource} {e.url}"
            for seconds, e in zip(self._times, self.page_requests, strict=True)
        ]
        return "".join(f"{line}\n" for line in lines)

    def format_console(self) -> str:
        """Format the console log."""
        return "".join(
            f"{w.level}: {w.text.strip()}\n    {w.source}\n" for w in self.console_entries
        )

    def _on_request(self, request: Request) -> None:
        page_request = PageRequest(
            request.method, request.url, request.resource_type, framed=_is_framed(request)
        )
        self._pending[request] = page_request
        self._add_request(page_request)

    def _on_finished(self, request: Request) -> None:
        self._finish_request(request, None)

    def _finish_request(self, request: Request, failure: str | None) -> None:
        page_request = self._pending.pop(request, None)
        if page_request is None:  # it was sent before the observer was there
            return
        response = request.existing_response
        page_request.status = None if response is None else response.status
        page_request.failure = failure
        page_request.done = True

    def _on_failed(self, request: Request) -> None:
        self._finish_request(request, request.failure or "failed")

    def _on_console(self, message: ConsoleMessage) -> None:
        self.console_entries.append(
            ConsoleEntry(message.type, message.text, message.location.get("url", ""))
        )

    def _on_web_error(self, error: WebError) -> None:
        text = error.error.stack or error.error.message
        self.console_entries.append(ConsoleEntry("uncaught", text, error.location["url"]))

    def _on_websocket(self, socket: WebSocket) -> None:
        self._add_request(
            PageRequest("WS", socket.url, "websocket", framed=False, status=101, done=True)
        )

    def _add_request(self, page_request: PageRequest) -> None:
        self.page_requests.append(page_request)
        self._times.append(time.monotonic() - self._began)


def _is_framed(request: Request) -> bool:
    from playwright.sync_api import Error

    try:
        return request.frame.parent_frame is not None
    except Error:  # a new page's first request has no frame yet
        return False
