"""Deliver a wheel to an index once, and wait until the index serves it.

Nothing is sent twice: after an answer that leaves open whether the file arrived, the index is
asked first.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import PublishError
from builder.publish.answers import Answer, Meaning, burnt, judge, shorten, taken
from builder.publish.served import UnansweredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from builder.publish.served import Shelf
    from builder.publish.uploader import Uploader


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
) -> Delivery:
    """Upload a wheel unless the index has it.

    Args:
        parcel: what to send.
        uploader: the index's upload side.
        shelf: its download side.
        patience: how long to go on.
        note: told what is waited for.

    Raises:
        PublishError: the index has another file of this name, refuses this one, or left it open
            again and again; what is said of the file's state is what the index said last.
    """
    if already_there(parcel, shelf, patience):
        return Delivery.SKIPPED
    answer = Answer(None)
    for attempt in range(patience.attempts):
        answer = uploader.send(parcel.path, parcel.attestations)
        meaning = judge(answer, parcel.filename)
        if meaning is Meaning.STORED:
            return Delivery.UPLOADED
        if meaning is Meaning.EXISTS:
            _settle(parcel, shelf, patience, note)
            # After an attempt of ours that was left open, it is ours.
            return Delivery.UPLOADED if attempt else Delivery.SKIPPED
        if attempt + 1 < patience.attempts:
            _pause(answer, meaning, attempt, patience, note)
        if already_there(parcel, shelf, patience):
            return Delivery.UPLOADED
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
    last = "it lists no such file"
    for spent in patience.pauses():
        try:
            last = _state(parcel, shelf)
        except UnansweredError as error:
            last = error.message
        if not last:
            return spent
        note(f"waiting for {parcel.filename}, {spent:.0f} s: {last}")
    raise PublishError(
        f"the index took {parcel.filename} and does not serve it after {patience.total:.0f} s: "
        f"{last}",
        "if it lags, run it again later, nothing is sent twice (--wait SECONDS waits longer); "
        "else look at its status page",
    )


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
        return "it lists no such file"
    served = shelf.served(parcel.filename) if listed == parcel.sha256 else listed
    if served is None:
        return "it lists the file and does not serve it"
    if served != parcel.sha256:
        raise PublishError(
            f"the index serves another {parcel.filename}: sha256 {served}, built {parcel.sha256}",
            "do not install it; tell the index's owners, and publish under another --build-tag",
        )
    return ""


def _settle(parcel: Parcel, shelf: Shelf, patience: Patience, note: Callable[[str], None]) -> None:
    """The index says that it has a file of this name: wait until it is seen to be this one."""
    for spent in patience.pauses():
        if already_there(parcel, shelf, patience):
            return
        note(f"{parcel.filename} exists and is not listed yet, {spent:.0f} s")
    raise burnt(parcel.filename)


def _pause(
    answer: Answer,
    meaning: Meaning,
    attempt: int,
    patience: Patience,
    note: Callable[[str], None],
) -> None:
    seconds = min(patience.first * 2**attempt, patience.longest)
    if meaning is Meaning.WAIT and answer.retry_after is not None:
        seconds = answer.retry_after
    if seconds > patience.longest_wait:
        raise PublishError(
            f"the index wants us to wait {seconds:.0f} s", "run it again then; nothing was stored"
        )
    note(f"{_said(answer)}; asking the index again in {seconds:.0f} s")
    time.sleep(seconds)


def _said(answer: Answer) -> str:
    return (
        f"{'no answer' if answer.status is None else answer.status} {shorten(answer.text)}".strip()
    )
