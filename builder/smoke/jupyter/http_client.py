"""HTTP client for Jupyter's own origin only, as a program with a token or as a browser."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from builder.smoke.model import ProbeFailure

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from requests.cookies import RequestsCookieJar

    from builder.smoke.model import JupyterSite
    from builder.system.redact import Secret

_PIECE = 1 << 16
DEFAULT_PORTS = {"http": 80, "https": 443}


class BarredOriginError(requests.ConnectionError):
    """A request that would have left Jupyter's origin."""


class JupyterResponse(NamedTuple):
    """A response of Jupyter.

    Attributes:
        url: the requested address, or where the redirects led.
        status: the HTTP status.
        headers: its headers; the case of their names does not matter.
        body: its bytes, decompressed.
        seconds: from the request to the last byte.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode("utf-8", "replace")

    def parse_json(self) -> Any:
        """Parse the body as JSON; NaN and the infinities become Python's floats.

        Raises:
            ProbeFailure: it is not JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ProbeFailure(f"{self.url} answers {self.status} and no JSON") from error

    def expect_status(self, status: int) -> JupyterResponse:
        """Return this response if it has the expected status.

        Raises:
            ProbeFailure: it has another one.
        """
        if self.status != status:
            location = self.headers.get("Location", "")
            to = f" to {urlsplit(location).path}" if location else ""
            raise ProbeFailure(f"{self.url} answers {self.status}{to} instead of {status}")
        return self


class JupyterClient:
    """HTTP client of one Jupyter: every request goes to its origin, or is not sent at all.

    No environment variables or files are read (no proxies, no netrc): requests go to that origin
    directly. Redirects are returned as responses, unless they are to be followed. One object serves
    one thread.

    Args:
        url: Jupyter's address, base URL included, with a slash at its end.
        token: sent in a header, which also exempts the requests from the XSRF check
            (jupyter-server's security documentation); None for an anonymous client, or a browser
            before `log_in`.
        ca_bundle: file or directory with the CAs to trust, or None for the default.
        cookies: the cookies to begin with.
    """

    def __init__(
        self,
        url: str,
        token: Secret | None = None,
        *,
        ca_bundle: str | None = None,
        cookies: RequestsCookieJar | None = None,
    ) -> None:
        self.url = url
        self.ca_bundle = ca_bundle
        self._token = token
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.update(cookies or {})
        self._session.verify = ca_bundle if ca_bundle is not None else True
        self._session.mount("http://", _SingleOriginAdapter(url))
        self._session.mount("https://", _SingleOriginAdapter(url))

    @classmethod
    def for_site(cls, site: JupyterSite, token: Secret | None = None) -> Self:
        """Make the client of a site, with that token or none."""
        return cls(site.url, token, ca_bundle=site.ca_bundle)

    def __repr__(self) -> str:
        return f"JupyterClient({self.url!r})"

    @property
    def authorization(self) -> dict[str, str]:
        """The header that carries the token; empty without one."""
        return {} if self._token is None else {"Authorization": f"token {self._token.value}"}

    def clone(self) -> JupyterClient:
        """Make the same client for another thread, cookies included."""
        return self.at_address(self.url, self._token)

    def at_address(self, url: str, token: Secret | None = None) -> JupyterClient:
        """Make a client with the same cookies for another address of the same origin.

        It has that token, or none.
        """
        return JupyterClient(url, token, ca_bundle=self.ca_bundle, cookies=self._session.cookies)

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def send_request(
        self,
        path: str,
        body: bytes | str | None = None,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        follow: bool = False,
        timeout: float = 20.0,
    ) -> JupyterResponse:
        """Send a request to a path relative to Jupyter's base URL, or to an absolute address.

        Args:
            path: the path or address, percent-encoded.
            body: the body, which makes it a POST unless `method` is given.
            method: HTTP method, such as `DELETE`.
            headers: additional headers.
            follow: whether to follow redirects, as far as they stay on Jupyter's origin.
            timeout: seconds until the last byte must have arrived.

        Raises:
            BarredOriginError: it leads to another origin.
            requests.Timeout: it took longer.
            requests.RequestException: there was no complete response.
        """
        url = urljoin(self.url, path)
        began = time.monotonic()
        try:
            with self._session.request(
                method or ("GET" if body is None else "POST"),
                url,
                data=body.encode() if isinstance(body, str) else body,
                headers={**self.authorization, **(headers or {})},
                timeout=timeout,
                allow_redirects=follow,
                stream=True,
            ) as response:
                content = _read_body(response, began, timeout)
        except requests.Timeout as error:
            raise requests.Timeout(f"{url} was not complete within {timeout:g} s") from error
        seconds = time.monotonic() - began
        return JupyterResponse(
            response.url, response.status_code, response.headers, content, seconds
        )

    def call_api(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        expect: Container[int] = range(400),
        timeout: float = 20.0,
    ) -> Any:
        """Call Jupyter's REST API, such as `POST sessions`; the response's JSON, or None.

        Args:
            method: HTTP method.
            path: path below `api/`, percent-encoded.
            content: any JSON, or None to send nothing.
            expect: the statuses that are not failures.
            timeout: seconds until the last byte must have arrived.

        Raises:
            ProbeFailure: there is no response, or its status is another one.
        """
        body = None if content is None else json.dumps(content)
        headers = {"Content-Type": "application/json"}
        try:
            answer = self.send_request(
                f"api/{path}", body, method=method, headers=headers, timeout=timeout
            )
        except (requests.RequestException, OSError) as error:
            raise ProbeFailure(f"{method} api/{path} has no answer: {error}") from error
        if answer.status not in expect:
            raise ProbeFailure(f"{method} api/{path} answers {answer.status}: {answer.text[:200]}")
        return answer.parse_json() if answer.body and answer.status < 400 else None


def _read_body(response: requests.Response, began: float, timeout: float) -> bytes:
    """Read the body, decompressed, within the time limit.

    `iter_content` would wait for whole pieces, however slowly their bytes arrive.
    """
    if response.is_redirect:
        return response.content  # requests has read it already, to prepare the next request
    pieces = []
    try:
        while piece := response.raw.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            if time.monotonic() - began > timeout:
                raise requests.Timeout
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.Timeout from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(f"{response.url} broke off: {error}") from error
    return b"".join(pieces)


class _SingleOriginAdapter(HTTPAdapter):
    """Transport adapter that sends requests to one origin only, redirected ones included."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._origin = _split_origin(url)

    def send(self, request: requests.PreparedRequest, *args: Any, **kw: Any) -> requests.Response:
        if _split_origin(request.url or "") != self._origin:
            raise BarredOriginError(f"{request.url} is not Jupyter's origin: not asked")
        return super().send(request, *args, **kw)


def _split_origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
