"""What a page asked for, told apart, and what is wrong with it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_TAKEN_BACK = "net::ERR_ABORTED"
_INLINE = ("data:", "blob:", "about:")


@dataclass(slots=True)
class PageRequest:
    """A request and what came of it.

    Attributes:
        method: of HTTP; `WS` for a WebSocket.
        url: where it went.
        resource: what wanted it, in Chromium's terms: `document`, `script`, `fetch`, `font` ...
        framed: whether a frame inside the notebook's page made it, or a worker of that frame.
        status: of the answer; None while there is none.
        failure: Chromium's word for why there was no whole answer, or None.
        done: whether the last byte has come, or never will.
    """

    method: str
    url: str
    resource: str
    framed: bool
    status: int | None = None
    failure: str | None = None
    done: bool = False

    def __str__(self) -> str:
        came = self.failure or self.status or "no answer"
        return f"{self.method} {self.url} ({came})"


class RequestOwner(StrEnum):
    """Whose request it is."""

    INLINE = "inline"
    FOREIGN = "foreign"
    TENSORBOARD = "tensorboard"
    STRAY = "stray"
    JUPYTER = "jupyter"


class KnownIssue(NamedTuple):
    """Something that is known to go wrong, and why that is no fault of a deployment.

    Attributes:
        url: a pattern for the path of the request, or of the script that complains.
        text: a pattern for what the console says; None excuses the request as such, and what
            Chromium itself says of its failure.
        reason: why.
        releases: the TensorBoard releases that it is known of, as a specifier; "" for all.
    """

    url: str
    text: str | None
    reason: str
    releases: str = ""


FONT_ISSUE = KnownIssue(
    # A Hub redirects what is not its own to a page of its own, which is a 404 then.
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
    """Whose request that is.

    Args:
        page_request: the request.
        origin: Jupyter's: scheme, host and port.
        prefix: the address below which the frame finds TensorBoard, with a slash at its end.
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
    """The reason for which that request may go wrong, or None."""
    path = urlsplit(page_request.url).path
    if page_request.method != "GET":
        return None
    return next((known for known in KNOWN_REQUEST_ISSUES if re.fullmatch(known.url, path)), None)


def find_foreign_requests(
    page_requests: Iterable[PageRequest], origin: str, prefix: str
) -> Iterator[str]:
    """What left Jupyter's origin, or would have."""
    for page_request in page_requests:
        if classify_request(page_request, origin, prefix) is RequestOwner.FOREIGN:
            yield str(page_request)


def find_stray_requests(
    page_requests: Iterable[PageRequest], origin: str, prefix: str
) -> Iterator[str]:
    """What TensorBoard's frame asked Jupyter for outside its prefix, without an excuse."""
    for page_request in page_requests:
        if (
            classify_request(page_request, origin, prefix) is RequestOwner.STRAY
            and find_known_issue(page_request) is not FONT_ISSUE
        ):
            yield str(page_request)


def find_failed_requests(
    page_requests: Collection[PageRequest], origin: str, prefix: str, *, jupyter: bool = True
) -> Iterator[str]:
    """What was not answered, or with an error, without an excuse; foreign requests aside.

    A question that the page took back and asked again, with success, has not failed: TensorBoard
    does so when its list of runs arrives late.

    Args:
        page_requests: the requests.
        origin: see `classify_request`.
        prefix: see `classify_request`.
        jupyter: whether Jupyter's own requests are judged too. A deployment of somebody else has
            extensions of its own, which are none of our business.
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
        method: of HTTP.
        path: a pattern for its path below the prefix.
        since: the first release that makes it.
        until: the first release that no longer does, or None.
    """

    method: str
    path: str
    since: str
    until: str | None = None


# Measured in Chromium on the releases from 1.14.0 to 2.14.0 and 2.21.0, and read off the wheels'
# webfiles.zip on all. Up to 2.0.2 the page holds its script itself.
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
    """What a release of TensorBoard asks for when it shows a scalar."""
    version = Version(release)
    return tuple(
        want
        for want in _EXPECTED_REQUESTS
        if Version(want.since) <= version and (not want.until or version < Version(want.until))
    )


def find_missing_requests(
    page_requests: Iterable[PageRequest], prefix: str, release: str
) -> Iterator[str]:
    """Which of the wanted requests were not made, or not answered with 200."""
    base = urlsplit(prefix).path
    good = {
        (page_request.method, urlsplit(page_request.url).path.removeprefix(base))
        for page_request in page_requests
        if page_request.url.startswith(prefix) and page_request.status == 200
    }
    for want in list_expected_requests(release):
        if not any(m == want.method and re.fullmatch(want.path, path) for m, path in good):
            yield f"{want.method} {prefix}{want.path}"
