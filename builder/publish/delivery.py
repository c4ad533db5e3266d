"""Deliver a wheel to an index once, and wait until the index serves it.

No index gets a second copy: after an answer that leaves open whether the file arrived, the index is
asked before it is sent again. Public indexes refuse a name that they have, so they are asked once,
soon. Another may overwrite, so it has as long to list the file as it has to serve it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import PublishError
from builder.publish.answers import Answer, Meaning, judge, shorten, taken
from builder.publish.served import UnansweredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from builder.publish.served import Shelf
    from builder.publish.uploader import Uploader


_UNLISTED = "it lists no such file"


class Delivery(StrEnum):
    """What became of an upload."""

    UPLOADED = "uploaded"
    SKIPPED = "skipped"


class Parcel(NamedTuple):
    """A checked wheel on its way: its file, the file's name and sha256, its attestations."""

    path: Path
    filename: str
    sha256: str
    attestations: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on, in seconds.

    TestPyPI serves a file 30 to 120 s after it took it (measured).

    Attributes:
        total: until an index that does not serve a file has failed.
        first: the first pause; each is twice as long as the one before.
        longest: no pause is longer.
        attempts: how often a file is sent.
        longest_wait: a server that wants us to wait longer is told no.
    """

    total: float = 300.0
    first: float = 1.0
    longest: float = 15.0
    attempts: int = 4
    longest_wait: float = 120.0

    def pauses(self) -> Iterator[float]:
        """Sleep longer and longer, telling the seconds since the start, until they are used up."""
        began = time.monotonic()
        pause = self.first
        while (spent := time.monotonic() - began) < self.total:
            yield spent
            time.sleep(max(0.0, min(pause, began + self.total - time.monotonic())))
            pause = min(pause * 2, self.longest)
        yield spent


def deliver(
    parcel: Parcel,
    uploader: Uploader,
    shelf: Shelf,
    patience: Patience,
    note: Callable[[str], None],
    *,
    overwrites: bool,
) -> Delivery:
    """Upload a wheel unless the index has it.

    Args:
        parcel: what to send.
        uploader: the index's upload side.
        shelf: its download side.
        patience: how long to go on.
        note: told what is waited for.
        overwrites: whether the index may take a name that it has a second time.

    Raises:
        PublishError: the index has another file of this name, refuses this one, or left it open
            again and again; what is said of the file's state is what the index said last.
    """
    if already_there(parcel, shelf, patience):
        return Delivery.SKIPPED
    answer, left_open = Answer(None), False
    for attempt in range(patience.attempts):
        answer = uploader.send(parcel.path, parcel.attestations)
        meaning = judge(answer, parcel.filename)
        if meaning is Meaning.STORED:
            return Delivery.UPLOADED
        left_open = left_open or meaning is Meaning.UNKNOWN
        exists = meaning is Meaning.EXISTS
        if not exists:
            _pause(answer, attempt, patience, note)
        lags = exists or (left_open and overwrites)
        if _appears(parcel, shelf, patience if lags else replace(patience, total=0), note):
            # After an attempt of ours that was left open, it is ours.
            return Delivery.UPLOADED if left_open else Delivery.SKIPPED
        if exists:
            raise _unserved(parcel, patience, _UNLISTED) if left_open else _unseen(parcel, patience)
        if answer.retry_after and answer.retry_after > patience.longest_wait:
            raise _put_off(answer.retry_after, left_open=left_open)
    raise PublishError(
        f"{parcel.filename} was sent {patience.attempts} times and is not listed: {_said(answer)}",
        "run it again later; it asks the index first and sends nothing twice",
    )


def confirm(parcel: Parcel, shelf: Shelf, patience: Patience, note: Callable[[str], None]) -> float:
    """Wait until the index serves the wheel, and compare what it serves with what was built.

    Returns:
        The seconds until it did.

    Raises:
        PublishError: it lists or serves other bytes, or nothing within the time.
    """
    last = _UNLISTED
    for spent in patience.pauses():
        try:
            last = _state(parcel, shelf)
        except UnansweredError as error:
            last = error.message
        if not last:
            return spent
        note(f"waiting for {parcel.filename}, {spent:.0f} s: {last}")
    raise _unserved(parcel, patience, last)


def already_there(parcel: Parcel, shelf: Shelf, patience: Patience) -> bool:
    """Whether the index lists this very file; it is asked again while it does not answer.

    Raises:
        PublishError: it lists another file of this name, or does not answer.
    """
    for attempt in range(patience.attempts):
        try:
            listed = shelf.listed(parcel.filename)
        except UnansweredError:
            if attempt + 1 == patience.attempts:
                raise
            time.sleep(min(patience.first * 2**attempt, patience.longest))
            continue
        if listed not in (None, parcel.sha256):
            raise taken(parcel.filename, str(listed))
        return listed is not None
    return False


def _state(parcel: Parcel, shelf: Shelf) -> str:
    """What is still missing, or "" for nothing.

    Raises:
        PublishError: the index has other bytes, which no waiting mends.
    """
    listed = shelf.listed(parcel.filename)
    if listed is None:
        return _UNLISTED
    served = shelf.served(parcel.filename) if listed == parcel.sha256 else listed
    if served is None:
        return "it lists the file and does not serve it"
    if served != parcel.sha256:
        raise PublishError(
            f"the index serves another {parcel.filename}: sha256 {served}, built {parcel.sha256}",
            "do not install it; tell the index's owners, and publish under another --build-tag",
        )
    return ""


def _appears(parcel: Parcel, shelf: Shelf, patience: Patience, note: Callable[[str], None]) -> bool:
    """Whether the index lists this very file before the patience is used up; asked at least once.

    Raises:
        PublishError: as `already_there`.
    """
    for spent in patience.pauses():
        if already_there(parcel, shelf, patience):
            return True
        note(f"{parcel.filename} is not listed yet, {spent:.0f} s")
    return False


def _unserved(parcel: Parcel, patience: Patience, why: str) -> PublishError:
    return PublishError(
        f"the index took {parcel.filename} and does not serve it after {patience.total:.0f} s: "
        f"{why}",
        "if it lags, run it again later, nothing is sent twice (--wait SECONDS waits longer); "
        "else look at its status page",
    )


def _unseen(parcel: Parcel, patience: Patience) -> PublishError:
    return PublishError(
        f"the index has or had a {parcel.filename} that it does not list after "
        f"{patience.total:.0f} s",
        "if it lags, run it again later; if it took the file away, --build-tag N makes another "
        "file name",
    )


def _put_off(seconds: float, *, left_open: bool) -> PublishError:
    state = "the file may be there, it asks first" if left_open else "nothing was stored"
    return PublishError(
        f"the index wants us to wait {seconds:.0f} s", f"run it again then; {state}"
    )


def _pause(answer: Answer, attempt: int, patience: Patience, note: Callable[[str], None]) -> None:
    """Wait as the server wants; one that wants too much is asked once more, after an own pause."""
    seconds = answer.retry_after or 0.0
    if not 0 < seconds <= patience.longest_wait:
        seconds = min(patience.first * 2**attempt, patience.longest)
    note(f"{_said(answer)}; asking the index again in {seconds:.0f} s")
    time.sleep(seconds)


def _said(answer: Answer) -> str:
    return (
        f"{'no answer' if answer.status is None else answer.status} {shorten(answer.text)}".strip()
    )
