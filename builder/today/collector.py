"""Request everything from a running server, once it has read the whole logdir."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from builder.errors import CommandError
from builder.tensorboard.endpoints import EVENTUAL_PATHS, iter_requests
from builder.tensorboard.responses import (
    Json,
    TensorBoardRequest,
    TensorBoardResponse,
    canonicalize_response,
)
from builder.today.logdir import RUNS, SENTINEL_TAG
from builder.today.normalise import normalise_responses

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.tensorboard.server import TensorBoardServer

# Seconds: for one response, for reading the logdir, and for how long threads must find nothing new
# if it is unknown what they will find (calm), and if it is known (sure).
_RESPONSE_TIMEOUT = 60.0
_READ_TIMEOUT = 90.0
_CALM_SECONDS, _SURE_SECONDS = 1.5, 15.0
_POLL_INTERVAL = 0.1


def collect_responses(
    server: TensorBoardServer,
    logdir: Path,
    expected: Mapping[str, TensorBoardResponse] | None = None,
) -> dict[str, TensorBoardResponse]:
    """Collect every response by its key (`TensorBoardRequest.key`).

    Args:
        server: it runs on the logdir.
        logdir: as it was passed to the server.
        expected: what threads of the server will have found in the end, if that is known. Those
            responses are then waited for, at most until they have not changed for `_SURE_SECONDS`.

    Raises:
        CommandError: the server did not read the whole logdir in time.
    """
    cache = _ResponseCache(server, str(logdir))
    _wait_until_read(cache)
    _wait_until_calm(cache, expected)
    for request in iter_requests(lambda request: cache.fetch_once(request).get("json")):
        cache.fetch_once(request)
    return dict(sorted(cache.responses.items()))


class _ResponseCache:
    """Keeps each response, so that the server gets a repeated request only once."""

    def __init__(self, server: TensorBoardServer, logdir: str) -> None:
        self._server = server
        self._logdir = logdir
        self.responses: dict[str, TensorBoardResponse] = {}

    def fetch_once(self, request: TensorBoardRequest) -> TensorBoardResponse:
        if request.key not in self.responses:
            self.responses[request.key] = self.fetch_now(request)
        return self.responses[request.key]

    def fetch_now(self, request: TensorBoardRequest) -> TensorBoardResponse:
        import requests

        try:
            response = self._server.send_request(*request, timeout=_RESPONSE_TIMEOUT)
        except requests.RequestException as error:
            return {"status": 0, "type": "", "text": type(error).__name__}
        return canonicalize_response(
            response.status_code, response.headers, response.content, self._logdir
        )


def _wait_until_read(cache: _ResponseCache) -> None:
    """Wait until every run lists the value that was written last.

    Raises:
        CommandError: a run does not, in time.
    """
    deadline = time.monotonic() + _READ_TIMEOUT
    missing: list[str] = list(RUNS)
    while missing and time.monotonic() < deadline:
        listing: Json = (
            cache.fetch_now(TensorBoardRequest("/data/plugin/scalars/tags")).get("json") or {}
        )
        missing = [run for run in RUNS if SENTINEL_TAG not in listing.get(run, ())]
        if missing:
            time.sleep(_POLL_INTERVAL)
    if missing:
        raise CommandError(
            f"it did not show the runs {', '.join(missing)} within {_READ_TIMEOUT:.0f} s",
            "look at the server's log",
        )


def _wait_until_calm(
    cache: _ResponseCache, expected: Mapping[str, TensorBoardResponse] | None
) -> None:
    """Wait until what threads of the server prepare is as expected, or stays the same.

    These responses are then in the cache.
    """
    last: dict[str, TensorBoardResponse] = {}
    since = time.monotonic()
    while True:
        now = {
            q.key: cache.fetch_now(q) for q in (TensorBoardRequest(path) for path in EVENTUAL_PATHS)
        }
        if now != last:
            last, since = now, time.monotonic()
        known = expected and normalise_responses(now) == {key: expected.get(key) for key in now}
        if known or time.monotonic() - since > (
            _CALM_SECONDS if expected is None else _SURE_SECONDS
        ):
            break
        time.sleep(_POLL_INTERVAL)
    cache.responses |= now
