"""Ask a running server everything, once it has read the whole logdir."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from builder.errors import CommandError
from builder.tensorboard.answers import Answer, Ask, Json, canonical
from builder.tensorboard.endpoints import EVENTUAL, asks
from builder.today.logdir import RUNS, SENTINEL
from builder.today.normalise import normalise

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.tensorboard.server import Server

# Seconds: for one answer, for reading the logdir, and for how long threads must find nothing new,
# where it is not known what they will find and where it is.
_ANSWER = 60.0
_READ = 90.0
_CALM, _SURE = 1.5, 15.0
_PAUSE = 0.1


def collect(
    server: Server, logdir: Path, expected: Mapping[str, Answer] | None = None
) -> dict[str, Answer]:
    """Every answer by its key (`Ask.key`).

    Args:
        server: it runs on the logdir.
        logdir: as the server was told.
        expected: what threads of the server will have found in the end, if that is known: then
            those answers are waited for, up to the time in which they would be called calm.

    Raises:
        CommandError: the server did not read the whole logdir in time.
    """
    asker = _Asker(server, str(logdir))
    _wait_until_read(asker)
    _wait_until_calm(asker, expected)
    for question in asks(lambda ask: asker.once(ask).get("json")):
        asker.once(question)
    return dict(sorted(asker.answers.items()))


class _Asker:
    """Remembers each answer: what is asked again on the way is not asked of the server again."""

    def __init__(self, server: Server, logdir: str) -> None:
        self._server = server
        self._logdir = logdir
        self.answers: dict[str, Answer] = {}

    def once(self, ask: Ask) -> Answer:
        if ask.key not in self.answers:
            self.answers[ask.key] = self.now(ask)
        return self.answers[ask.key]

    def now(self, ask: Ask) -> Answer:
        import requests

        try:
            response = self._server.ask(*ask, timeout=_ANSWER)
        except requests.RequestException as error:
            return {"status": 0, "type": "", "text": type(error).__name__}
        return canonical(response.status_code, response.headers, response.content, self._logdir)


def _wait_until_read(asker: _Asker) -> None:
    """Until every run lists the value that was written last."""
    deadline = time.monotonic() + _READ
    missing: list[str] = list(RUNS)
    while missing and time.monotonic() < deadline:
        listing: Json = asker.now(Ask("/data/plugin/scalars/tags")).get("json") or {}
        missing = [run for run in RUNS if SENTINEL not in listing.get(run, ())]
        if missing:
            time.sleep(_PAUSE)
    if missing:
        raise CommandError(
            f"it did not show the runs {', '.join(missing)} within {_READ:.0f} s",
            "look at the server's log",
        )


def _wait_until_calm(asker: _Asker, expected: Mapping[str, Answer] | None) -> None:
    """Until the answers that threads of the server prepare are as expected, or stay the same."""
    last: dict[str, Answer] = {}
    since = time.monotonic()
    while True:
        now = {q.key: asker.now(q) for q in (Ask(path) for path in EVENTUAL)}
        if now != last:
            last, since = now, time.monotonic()
        known = expected and normalise(now) == {key: expected.get(key) for key in now}
        if known or time.monotonic() - since > (_CALM if expected is None else _SURE):
            break
        time.sleep(_PAUSE)
    asker.answers |= now
