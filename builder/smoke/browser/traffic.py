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
class Exchange:
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


class Kind(StrEnum):
    """Whose request it is."""

    INLINE = "inline"
    FOREIGN = "foreign"
    TENSORBOARD = "tensorboard"
    STRAY = "stray"
    JUPYTER = "jupyter"


class Excuse(NamedTuple):
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


FONTS = Excuse(
    # A Hub redirects what is not its own to a page of its own, which is a 404 then.
    r"(?:/hub)?/font-roboto/[\w-]+\.woff2",
    None,
    "TensorBoard asks for its fonts at the server's root (tensorboard #1885); others take over",
)
_WIDGETS = Excuse(
    r".*/nbextensions/widgets/notebook/js/extension\.js",
    None,
    "nbclassic looks for ipywidgets, which need not be installed",
)
REQUESTS = (FONTS, _WIDGETS)


def classify(exchange: Exchange, origin: str, prefix: str) -> Kind:
    """Whose request that is.

    Args:
        exchange: the request.
        origin: Jupyter's: scheme, host and port.
        prefix: the address below which the frame finds TensorBoard, with a slash at its end.
    """
    url = exchange.url
    if url.startswith(_INLINE):
        return Kind.INLINE
    if exchange.method == "WS":
        url = re.sub(r"^ws", "http", url)
    if not url.startswith(origin + "/"):
        return Kind.FOREIGN
    if url.startswith(prefix):
        return Kind.TENSORBOARD
    return Kind.STRAY if exchange.framed else Kind.JUPYTER


def excuse(exchange: Exchange) -> Excuse | None:
    """The reason for which that request may go wrong, or None."""
    path = urlsplit(exchange.url).path
    if exchange.method != "GET":
        return None
    return next((known for known in REQUESTS if re.fullmatch(known.url, path)), None)


def foreign(exchanges: Iterable[Exchange], origin: str, prefix: str) -> Iterator[str]:
    """What left Jupyter's origin, or would have."""
    for exchange in exchanges:
        if classify(exchange, origin, prefix) is Kind.FOREIGN:
            yield str(exchange)


def strayed(exchanges: Iterable[Exchange], origin: str, prefix: str) -> Iterator[str]:
    """What TensorBoard's frame asked Jupyter for outside its prefix, without an excuse."""
    for exchange in exchanges:
        if classify(exchange, origin, prefix) is Kind.STRAY and excuse(exchange) is not FONTS:
            yield str(exchange)


def failed(
    exchanges: Collection[Exchange], origin: str, prefix: str, *, jupyter: bool = True
) -> Iterator[str]:
    """What was not answered, or with an error, without an excuse; foreign requests aside.

    A question that the page took back and asked again, with success, has not failed: TensorBoard
    does so when its list of runs arrives late.

    Args:
        exchanges: the requests.
        origin: see `classify`.
        prefix: see `classify`.
        jupyter: whether Jupyter's own requests are judged too. A deployment of somebody else has
            extensions of its own, which are none of our business.
    """
    judged = {Kind.TENSORBOARD, Kind.STRAY} | ({Kind.JUPYTER} if jupyter else set())
    answered = {(e.method, e.url) for e in exchanges if e.done and e.status == 200}
    for exchange in exchanges:
        bad = exchange.failure or not exchange.done or (exchange.status or 0) >= 400
        taken_back = exchange.failure == _TAKEN_BACK and exchange.status is None
        if not bad or excuse(exchange) or classify(exchange, origin, prefix) not in judged:
            continue
        if not (taken_back and (exchange.method, exchange.url) in answered):
            yield str(exchange)


class Wanted(NamedTuple):
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
_WANTED = (
    Wanted("GET", "", "1.13"),
    Wanted("GET", "data/plugins_listing", "1.13"),
    Wanted("GET", r"index\.js", "2.1.0"),
    Wanted("GET", r"(.*/)?data/plugin/scalars/scalars", "1.13", "2.4.0"),
    Wanted("POST", r"(.*/)?data/plugin/scalars/scalars_multirun", "2.4.0", "2.10.0"),
    Wanted("POST", r"(.*/)?data/plugin/timeseries/timeSeries", "2.10.0"),
    Wanted("GET", r"chart_worker\.js", "2.10.0"),
)


def wanted(release: str) -> tuple[Wanted, ...]:
    """What a release of TensorBoard asks for when it shows a scalar."""
    version = Version(release)
    return tuple(
        want
        for want in _WANTED
        if Version(want.since) <= version and (not want.until or version < Version(want.until))
    )


def missing(exchanges: Iterable[Exchange], prefix: str, release: str) -> Iterator[str]:
    """Which of the wanted requests were not made, or not answered with 200."""
    base = urlsplit(prefix).path
    good = {
        (exchange.method, urlsplit(exchange.url).path.removeprefix(base))
        for exchange in exchanges
        if exchange.url.startswith(prefix) and exchange.status == 200
    }
    for want in wanted(release):
        if not any(m == want.method and re.fullmatch(want.path, path) for m, path in good):
            yield f"{want.method} {prefix}{want.path}"
