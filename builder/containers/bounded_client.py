"""docker-py's client, with answers that are bounded in size and in time."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from docker import APIClient, DockerClient

from builder.errors import EngineError
from builder.system.interruption import is_interrupted
from builder.system.limits import (
    ENGINE_BYTES,
    ENGINE_CLEANUP_SECONDS,
    ENGINE_SECONDS,
    ENGINE_STREAM_SECONDS,
    GRACE_SECONDS,
)
from builder.system.waiting import run_with_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from requests import PreparedRequest, Response

_T = TypeVar("_T")
_PIECE_BYTES = 1 << 16


class BoundedClient(DockerClient):
    """docker-py's client; it asks the engine for its version at once.

    Attributes:
        bounds: waits for what docker-py reads beyond one answer.
    """

    def __init__(self, bounds: RequestBounds, **options: Any) -> None:
        # All that the base class does is to make its own APIClient.
        self.bounds = bounds
        self.api = _BoundedAPIClient(bounds, **options)


class _BoundedAPIClient(APIClient):
    def __init__(self, bounds: RequestBounds, **options: Any) -> None:
        self._bounds = bounds
        super().__init__(**options)

    def send(self, request: PreparedRequest, **options: Any) -> Response:
        """As `requests.Session.send`; raises as `RequestBounds.run_request`, also if too large."""
        is_stream = bool(options.get("stream"))
        carries_files = is_stream or hasattr(request.body, "read")
        seconds = ENGINE_STREAM_SECONDS if carries_files else ENGINE_SECONDS
        send = super().send

        def exchange() -> Response:
            response = send(request, **{**options, "stream": True})
            if not is_stream:
                # As requests itself keeps a body that it has read.
                response._content = self._bounds.read_body(response)  # noqa: SLF001
            return response

        return self._bounds.run_request(exchange, seconds)


class RequestBounds:
    """How much of an engine's answers is read, and how long they are waited for.

    Args:
        server: the engine's address, without secrets.
        timeout: seconds for any request, or None for the defaults.
    """

    def __init__(self, server: str, timeout: float | None) -> None:
        self._server = server
        self._timeout = timeout
        self._held_up = False

    def run_request(self, function: Callable[[], _T], seconds: float) -> _T:
        """Call a function that waits for the engine.

        Once the run is interrupted, what follows is cleanup. An engine that held us up until then
        gets hardly any time for it: what it does not remove, the next run does.

        Raises:
            DeadlineError: the engine took too long.
            InterruptedRunError: the process was interrupted.
        """
        seconds = seconds if self._timeout is None else self._timeout
        if self._held_up:
            seconds = min(seconds, GRACE_SECONDS)
        elif is_interrupted():
            seconds = min(seconds, ENGINE_CLEANUP_SECONDS)
        try:
            return run_with_deadline(function, seconds, self._server)
        except BaseException:
            self._held_up = self._held_up or is_interrupted()
            raise

    def iter_stream(self, stream: Iterable[_T]) -> Iterator[_T]:
        """Yield the pieces of a stream of the engine; raises as `run_request` for each."""
        pieces = iter(stream)
        while True:
            found = self.run_request(lambda: list(islice(pieces, 1)), ENGINE_STREAM_SECONDS)
            if not found:
                return
            yield found[0]

    def read_body(self, response: Response) -> bytes:
        """Read an answer's body.

        Raises:
            EngineError: it is too large.
        """
        pieces, size = [], 0
        for piece in response.iter_content(_PIECE_BYTES):
            size += len(piece)
            if size > ENGINE_BYTES:
                response.close()
                raise EngineError(
                    f"{self._server} sends more than {ENGINE_BYTES:,} bytes",
                    "look at what answers there: it is no container engine",
                )
            pieces.append(piece)
        return b"".join(pieces)
