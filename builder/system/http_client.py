"""Sessions of `requests` whose answers are bounded, in size and in time.

`requests` bounds neither: its time-out is for one read, so that a server that sends a byte now and
then is waited for without an end; and it decodes whatever a server compressed.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from requests import RequestException, Session
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from builder.system.limits import (
    DOWNLOAD_BYTES,
    DOWNLOAD_SECONDS,
    PAGE_BYTES,
    PAGE_SECONDS,
    SILENCE_SECONDS,
)
from builder.system.waiting import run_with_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from requests import PreparedRequest, Response
    from urllib3 import BaseHTTPResponse

    from builder.system.settings import UserSettings

_T = TypeVar("_T")
# No download is compressed: wheels and programs gain nothing, and their size is known beforehand.
_PLAIN_HEADERS = {"Accept-Encoding": "identity"}


class BodyTooLargeError(RequestException):
    """A server sent more than it should, or announced it."""


class BoundedSession(Session):
    """A session with the user's proxy and CA settings, and bounded answers.

    Attributes:
        limit: the size in bytes that a decoded body may have.
    """

    def __init__(
        self,
        settings: UserSettings,
        *,
        retries: int = 0,
        check_cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        """Open it; the caller closes it.

        Args:
            settings: the user's settings.
            retries: how often a request is repeated that got no answer, 429 or 5xx.
            check_cancelled: called while it waits; raises if the run was interrupted.
        """
        super().__init__()
        self._check_cancelled = check_cancelled
        self.limit = PAGE_BYTES
        self._settings = settings
        self._exchange = Exchange()
        # A busy server says how long to wait (Retry-After); without retries there is no wait.
        retry = Retry(
            retries,
            backoff_factor=0.5,
            status_forcelist=(429, 500, 502, 503, 504) if retries else (),
            respect_retry_after_header=bool(retries),
        )
        # Never before the user's own deadline.
        silence = SILENCE_SECONDS if settings.timeout is None else settings.timeout + 1
        adapter = BoundedAdapter(self._exchange, retry, lambda: self.limit, (silence, silence))
        for scheme in ("https://", "http://"):
            self.mount(scheme, adapter)
        if settings.ca_bundle is not None:
            self.verify = settings.ca_bundle
        if settings.http_proxy is not None:
            self.proxies = dict.fromkeys(("http", "https"), settings.http_proxy)

    def run_page_request(self, function: Callable[[], _T], url: str) -> _T:
        """Call a function that uses this session for a page or an answer, with a deadline.

        Raises:
            DeadlineError: it took too long; the message names the server of the URL.
            InterruptedRunError: the process was interrupted.
            RequestException: as the function; also if an answer is too large.
        """
        return self._run_exchange(function, url, PAGE_BYTES, PAGE_SECONDS)

    def run_download(self, function: Callable[[], _T], url: str, limit: int) -> _T:
        """Call a function that uses this session for a download of at most `limit` bytes.

        Raises:
            DeadlineError, InterruptedRunError, RequestException: as `run_page_request`.
        """
        self.headers.update(_PLAIN_HEADERS)
        # The index may have said the size itself.
        return self._run_exchange(function, url, min(limit, DOWNLOAD_BYTES), DOWNLOAD_SECONDS)

    def _run_exchange(self, function: Callable[[], _T], url: str, limit: int, seconds: float) -> _T:
        self.limit = limit
        seconds = self._settings.get_timeout(seconds)
        return run_with_deadline(
            function, seconds, name_server(url), self._exchange.abandon, self._check_cancelled
        )


class Exchange:
    """What is going on between us and a server, so that another thread can end it."""

    def __init__(self) -> None:
        self._abandoned = threading.Event()
        self._answer: BaseHTTPResponse | None = None

    def abandon(self) -> None:
        """End it: nothing more is sent, and whoever reads the answer gets an error soon."""
        self._abandoned.set()
        answer = self._answer
        if answer is not None:
            # A connection that is released already, or of a kind that cannot be shut down.
            with suppress(OSError, RuntimeError, ValueError, NotImplementedError):
                answer.shutdown()

    def begin_answer(self, answer: BaseHTTPResponse) -> None:
        """Take note of the answer that is read from now on."""
        self._answer = answer
        self.check_abandoned()

    def check_abandoned(self) -> None:
        """Raise an error if nobody waits any more.

        Raises:
            RequestException: nobody does.
        """
        if self._abandoned.is_set():
            raise RequestException("nobody waits for it any more")


class BoundedAdapter(HTTPAdapter):
    """Sends requests, and bounds the body of every answer, also of those that redirect.

    Args:
        exchange: ends what goes on.
        retries: how often a request is repeated.
        get_limit: gives the size in bytes that a decoded body may have.
        timeout: seconds to connect, and seconds without a byte.
    """

    def __init__(
        self,
        exchange: Exchange,
        retries: Retry,
        get_limit: Callable[[], int],
        timeout: tuple[float, float],
    ) -> None:
        super().__init__(max_retries=retries)
        self._exchange = exchange
        self._get_limit = get_limit
        self._timeout = timeout

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """As the base class; a body that is read piece by piece is not sent on when abandoned."""
        self._exchange.check_abandoned()
        if hasattr(request.body, "read"):
            request.body = _AbandonableBody(request.body, self._exchange)  # type: ignore[assignment]
        return super().send(request, stream, timeout or self._timeout, verify, cert, proxies)

    def build_response(self, req: PreparedRequest, resp: BaseHTTPResponse) -> Response:
        """As the base class, with a body that ends with an error where it is too large.

        Raises:
            BodyTooLargeError: its announced size is too large.
        """
        server = name_server(req.url or "")
        # The limit is that of what was asked for; a redirect or an error comes with a page.
        is_page = resp.status >= HTTPStatus.MULTIPLE_CHOICES
        limit = PAGE_BYTES if is_page else self._get_limit()
        announced = resp.headers.get("Content-Length", "")
        try:
            self._exchange.begin_answer(resp)
            if announced.isdecimal() and int(announced[:20]) > limit:
                raise _make_size_error(server, limit)  # noqa: TRY301
        except BaseException:
            resp.close()
            raise
        body = _BoundedBody(resp, server, limit, self._exchange)
        return super().build_response(req, body)  # type: ignore[arg-type]


class _BoundedBody:
    """An answer of urllib3 of which no more can be read than the limit."""

    def __init__(
        self, answer: BaseHTTPResponse, server: str, limit: int, exchange: Exchange
    ) -> None:
        self._answer = answer
        self._server = server
        self._limit = limit
        self._exchange = exchange

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answer, name)

    def stream(self, amt: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield the body in pieces, as `requests` reads all bodies.

        Raises:
            BodyTooLargeError: there is more than the limit.
        """
        size = 0
        try:
            for piece in self._answer.stream(amt, decode_content):
                self._exchange.check_abandoned()
                size += len(piece)
                if size > self._limit:
                    raise _make_size_error(self._server, self._limit)  # noqa: TRY301
                yield piece
        except BaseException:
            self._answer.close()
            raise


class _AbandonableBody:
    """The body of a request, of which nothing more is read when nobody waits any more."""

    def __init__(self, body: Any, exchange: Exchange) -> None:
        self._body = body
        self._exchange = exchange

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    def read(self, size: int = -1) -> bytes:
        """Read the next piece.

        Raises:
            RequestException: nobody waits any more.
        """
        self._exchange.check_abandoned()
        return bytes(self._body.read(size))


def name_server(url: str) -> str:
    """Name the server of a URL as `host:port`, without user, password and path."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "the server"
    return (host or "the server") + ("" if port is None else f":{port}")


def _make_size_error(server: str, limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"{server} sends more than the {limit:,} bytes that it should")
