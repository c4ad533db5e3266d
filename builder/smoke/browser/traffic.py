"""A page's requests: which part of the page each belongs to, and which of them failed. Pure."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import msgspec
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_TAKEN_BACK = "net::ERR_ABORTED"
_INLINE = ("data:", "blob:", "about:")


class PageRequest(msgspec.Struct):
    """A request and its result.

    Attributes:
        method: HTTP method; `WS` for a WebSocket.
        url: the requested address.
        resource: its resource type in Chromium's terms: `document`, `script`, `fetch`, `font` ...
        framed: whether a frame inside the notebook's page made it, or a worker of that frame.
        status: HTTP status of the response; None while there is none.
        failure: Chromium's error if there was no complete response, or None.
        done: whether the response is complete, or never will be.
    """

    method: str
    url: str
    resource: str
    framed: bool
    status: int | None = None
    failure: str | None = None
    done: bool = False

    def __str__(self) -> str:
        result = self.failure or self.status or "no answer"
        return f"{self.method} {self.url} ({result})"


class RequestOwner(StrEnum):
    """Which part of the page a request belongs to.

    `FOREIGN` requests go to another origin than Jupyter's. `STRAY` requests are those of
    TensorBoard's frame to Jupyter's origin, but outside TensorBoard's prefix.
    """

    INLINE = "inline"
    FOREIGN = "foreign"
    TENSORBOARD = "tensorboard"
    STRAY = "stray"
    JUPYTER = "jupyter"


class KnownIssue(NamedTuple):
    """Something that is known to fail, and why that is not the fault of a deployment.

    Attributes:
        url: a pattern for the path of the request, or of the script that reports an error.
        text: a pattern for the console's message; None covers the request as such, and Chromium's
            own message about its failure.
        reason: why it fails.
        releases: the TensorBoard releases that are known to have it, as a specifier; "" for all.
    """

    url: str
    text: str | None
    reason: str
    releases: str = ""


FONT_ISSUE = KnownIssue(
    # A Hub redirects a path that is not its own to the same path below `/hub`, which is a 404 then.
    r"(?:/hub)?/font-roboto/[\w-]+\.woff2",
    None,
    "TensorBoard asks for its fonts at the server's root (tensorboard #1885); others take over",
)
_WIDGETS = KnownIssue(
    r".*/nbextensions/widgets/notebook/js/extension\.js",
    None,
    "nbclassic looks for ipywidgets, which need not be installed",
)
KNOWN_REQUEST_ISSUES = (FONT_ISSUE, _WIDGETS)


def classify_request(page_request: PageRequest, origin: str, prefix: str) -> RequestOwner:
    """Determine which part of the page a request belongs to.

    Args:
        page_request: the request.
        origin: Jupyter's origin: scheme, host and port.
        prefix: the address below which the frame loads TensorBoard, with a slash at its end.
    """
    url = page_request.url
    if url.startswith(_INLINE):
        return RequestOwner.INLINE
    if page_request.method == "WS":
        url = re.sub(r"^ws", "http", url)
    if not url.startswith(origin + "/"):
        return RequestOwner.FOREIGN
    if url.startswith(prefix):
        return RequestOwner.TENSORBOARD
    return RequestOwner.STRAY if page_request.framed else RequestOwner.JUPYTER


def find_known_issue(page_request: PageRequest) -> KnownIssue | None:
    """Find the known issue because of which a request may fail, or None."""
    path = urlsplit(page_request.url).path
    if page_request.method != "GET":
        return None
    return next((known for known in KNOWN_REQUEST_ISSUES if re.fullmatch(known.url, path)), None)


def find_foreign_requests(
    page_requests: Iterable[PageRequest], origin: str, prefix: str
) -> Iterator[str]:
    """Find requests that left Jupyter's origin, or would have if they had not been aborted."""
    for page_request in page_requests:
        if classify_request(page_request, origin, prefix) is RequestOwner.FOREIGN:
            yield str(page_request)


def find_stray_requests(
    page_requests: Iterable[PageRequest], origin: str, prefix: str
) -> Iterator[str]:
    """Find requests of TensorBoard's frame to Jupyter outside its prefix, except for the fonts."""
    for page_request in page_requests:
        if (
            classify_request(page_request, origin, prefix) is RequestOwner.STRAY
            and find_known_issue(page_request) is not FONT_ISSUE
        ):
            yield str(page_request)


def find_failed_requests(
    page_requests: Collection[PageRequest], origin: str, prefix: str, *, jupyter: bool = True
) -> Iterator[str]:
    """Find requests without a response or with an error, except foreign ones and known issues.

    A request that the page cancelled and repeated with success has not failed: TensorBoard does so
    when its list of runs arrives late.

    Args:
        page_requests: the requests.
        origin: see `classify_request`.
        prefix: see `classify_request`.
        jupyter: whether Jupyter's own requests are judged too. A Jupyter that we did not start has
            extensions of its own, which are not under test.
    """
    judged = {RequestOwner.TENSORBOARD, RequestOwner.STRAY} | (
        {RequestOwner.JUPYTER} if jupyter else set()
    )
    answered = {(e.method, e.url) for e in page_requests if e.done and e.status == 200}
    for page_request in page_requests:
        bad = page_request.failure or not page_request.done or (page_request.status or 0) >= 400
        taken_back = page_request.failure == _TAKEN_BACK and page_request.status is None
        if (
            not bad
            or find_known_issue(page_request)
            or classify_request(page_request, origin, prefix) not in judged
        ):
            continue
        if not (taken_back and (page_request.method, page_request.url) in answered):
            yield str(page_request)


class ExpectedRequest(NamedTuple):
    """A request that TensorBoard must have made to show a scalar.

    Attributes:
        method: HTTP method.
        path: a pattern for its path below the prefix.
        since: the first release that makes it.
        until: the first release that no longer does, or None.
    """

    method: str
    path: str
    since: str
    until: str | None = None


# Measured in Chromium on the releases from 1.14.0 to 2.14.0 and 2.21.0, and read from webfiles.zip
# in the wheels of all releases. Up to 2.0.2 the page contains its script itself.
_EXPECTED_REQUESTS = (
    ExpectedRequest("GET", "", "1.13"),
    ExpectedRequest("GET", "data/plugins_listing", "1.13"),
    ExpectedRequest("GET", r"index\.js", "2.1.0"),
    ExpectedRequest("GET", r"(.*/)?data/plugin/scalars/scalars", "1.13", "2.4.0"),
    ExpectedRequest("POST", r"(.*/)?data/plugin/scalars/scalars_multirun", "2.4.0", "2.10.0"),
    ExpectedRequest("POST", r"(.*/)?data/plugin/timeseries/timeSeries", "2.10.0"),
    ExpectedRequest("GET", r"chart_worker\.js", "2.10.0"),
)


def list_expected_requests(release: str) -> tuple[ExpectedRequest, ...]:
    """List the requests that a release of TensorBoard makes to show a scalar."""
    version = Version(release)
    return tuple(
        want
        for want in _EXPECTED_REQUESTS
        if Version(want.since) <= version and (not want.until or version < Version(want.until))
    )


def find_missing_requests(
    page_requests: Iterable[PageRequest], prefix: str, release: str
) -> Iterator[str]:
    """Find expected requests that were not made, or not answered with 200."""
    base = urlsplit(prefix).path
    good = {
        (page_request.method, urlsplit(page_request.url).path.removeprefix(base))
        for page_request in page_requests
        if page_request.url.startswith(prefix) and page_request.status == 200
    }
    for want in list_expected_requests(release):
        if not any(m == want.method and re.fullmatch(want.path, path) for m, path in good):
            yield f"{want.method} {prefix}{want.path}"
