"""Upload a wheel to an index once, and wait until the index serves it.

No index gets a second copy: after a response that leaves open whether the file arrived, the
index is queried before the file is sent again. Public indexes refuse a name that they have, so
they are queried once, soon. Other indexes may overwrite, so they have as long to list the file
as they have to serve it.
"""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from builder.errors import PublishError
from builder.publish.published_files import IndexUnavailableError
from builder.publish.responses import (
    ResponseMeaning,
    UploadResponse,
    interpret_response,
    make_taken_error,
    shorten_response,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from builder.publish.published_files import PublishedFiles
    from builder.publish.uploader import Uploader

_UNLISTED = "it lists no such file"


class UploadOutcome(StrEnum):
    """The outcome of an upload."""

    UPLOADED = "uploaded"
    SKIPPED = "skipped"
    AWAITED = "uploaded by another run"


class Upload(NamedTuple):
    """A checked wheel to upload: its file, the file's name and sha256, its attestations."""

    path: Path
    filename: str
    sha256: str
    attestations: tuple[Path, ...] = ()


class RetryPolicy(msgspec.Struct, frozen=True):
    """How long to retry, in seconds.

    TestPyPI serves a file 30 to 120 s after it took it (measured).

    Attributes:
        total: until an index that does not serve a file has failed.
        first: the first pause; each is twice as long as the one before.
        longest: no pause is longer.
        attempts: how often a file is sent.
        longest_wait: the longest Retry-After that is obeyed.
    """

    total: float = 300.0
    first: float = 1.0
    longest: float = 15.0
    attempts: int = 4
    longest_wait: float = 120.0

    def poll_until_timeout(self) -> Iterator[float]:
        """Yield the seconds since the start, with ever longer pauses, until time is up."""
        began = time.monotonic()
        pause = self.first
        while (spent := time.monotonic() - began) < self.total:
            yield spent
            time.sleep(max(0.0, min(pause, began + self.total - time.monotonic())))
            pause = min(pause * 2, self.longest)
        yield spent


def upload_wheel(
    upload: Upload,
    uploader: Uploader,
    published_files: PublishedFiles,
    retry_policy: RetryPolicy,
    note: Callable[[str], None],
    *,
    overwrites: bool,
) -> UploadOutcome:
    """Upload a wheel unless the index has it.

    Args:
        upload: what to send.
        uploader: the index's upload side.
        published_files: its download side.
        retry_policy: how long to retry.
        note: called with what is waited for.
        overwrites: whether the index may accept a name that it has a second time.

    Raises:
        PublishError: the index has another file of this name, refuses this one, or left it open
            again and again; the message has the file's state as the index said it last.
    """
    if is_already_listed(upload, published_files, retry_policy):
        return UploadOutcome.SKIPPED
    response, left_open = UploadResponse(None), False
    for attempt in range(retry_policy.attempts):
        response = uploader.send_wheel(upload.path, upload.attestations)
        meaning = interpret_response(response, upload.filename)
        if meaning is ResponseMeaning.STORED:
            return UploadOutcome.UPLOADED
        left_open = left_open or meaning is ResponseMeaning.UNKNOWN
        exists = meaning is ResponseMeaning.EXISTS
        if not exists:
            _sleep_before_retry(response, attempt, retry_policy, note)
        lags = exists or (left_open and overwrites)
        if _wait_until_listed(
            upload, published_files, retry_policy if lags else replace(retry_policy, total=0), note
        ):
            # If one of our attempts was left open, the listed file is ours.
            return UploadOutcome.UPLOADED if left_open else UploadOutcome.SKIPPED
        if exists:
            raise (
                _make_unserved_error(upload, retry_policy, _UNLISTED)
                if left_open
                else _make_unlisted_error(upload, retry_policy)
            )
        if response.retry_after and response.retry_after > retry_policy.longest_wait:
            raise _make_delay_error(response.retry_after, left_open=left_open)
    raise PublishError(
        f"{upload.filename} was sent {retry_policy.attempts} times and is not listed: "
        f"{_format_response(response)}",
        "run it again later; it asks the index first and sends nothing twice",
    )


def wait_until_served(
    upload: Upload,
    published_files: PublishedFiles,
    retry_policy: RetryPolicy,
    note: Callable[[str], None],
) -> float:
    """Wait until the index serves the wheel, and compare what it serves with what was built.

    Returns:
        The seconds until it did.

    Raises:
        PublishError: it lists or serves other bytes, or nothing within the time.
    """
    last = _UNLISTED
    for spent in retry_policy.poll_until_timeout():
        try:
            last = _describe_missing(upload, published_files)
        except IndexUnavailableError as error:
            last = error.message
        if not last:
            return spent
        note(f"waiting for {upload.filename}, {spent:.0f} s: {last}")
    raise _make_unserved_error(upload, retry_policy, last)


def is_already_listed(
    upload: Upload, published_files: PublishedFiles, retry_policy: RetryPolicy
) -> bool:
    """Whether the index lists this very file; it is queried again while it does not answer.

    Raises:
        PublishError: it lists another file of this name, or does not answer.
    """
    for attempt in range(retry_policy.attempts):
        try:
            listed = published_files.fetch_listed_sha256(upload.filename)
        except IndexUnavailableError:
            if attempt + 1 == retry_policy.attempts:
                raise
            time.sleep(min(retry_policy.first * 2**attempt, retry_policy.longest))
            continue
        if listed not in (None, upload.sha256):
            raise make_taken_error(upload.filename, str(listed))
        return listed is not None
    return False


def _describe_missing(upload: Upload, published_files: PublishedFiles) -> str:
    """Describe what is still missing, or return "" for nothing.

    Raises:
        PublishError: the index has other bytes, which does not change by waiting.
    """
    listed = published_files.fetch_listed_sha256(upload.filename)
    if listed is None:
        return _UNLISTED
    served = (
        published_files.fetch_served_sha256(upload.filename) if listed == upload.sha256 else listed
    )
    if served is None:
        return "it lists the file and does not serve it"
    if served != upload.sha256:
        raise PublishError(
            f"the index serves another {upload.filename}: sha256 {served}, built {upload.sha256}",
            "do not install it; tell the index's owners, and publish under another --build-tag",
        )
    return ""


def _wait_until_listed(
    upload: Upload,
    published_files: PublishedFiles,
    retry_policy: RetryPolicy,
    note: Callable[[str], None],
) -> bool:
    """Whether the index lists this very file before time is up; it is queried at least once.

    Raises:
        PublishError: as `is_already_listed`.
    """
    for spent in retry_policy.poll_until_timeout():
        if is_already_listed(upload, published_files, retry_policy):
            return True
        note(f"{upload.filename} is not listed yet, {spent:.0f} s")
    return False


def _make_unserved_error(upload: Upload, retry_policy: RetryPolicy, why: str) -> PublishError:
    return PublishError(
        f"the index took {upload.filename} and does not serve it after {retry_policy.total:.0f} s: "
        f"{why}",
        "if it lags, run it again later, nothing is sent twice (--wait SECONDS waits longer); "
        "else look at its status page",
    )


def _make_unlisted_error(upload: Upload, retry_policy: RetryPolicy) -> PublishError:
    return PublishError(
        f"the index has or had a {upload.filename} that it does not list after "
        f"{retry_policy.total:.0f} s",
        "if it lags, run it again later; if it took the file away, --build-tag N makes another "
        "file name",
    )


def _make_delay_error(seconds: float, *, left_open: bool) -> PublishError:
    state = "the file may be there, it asks first" if left_open else "nothing was stored"
    return PublishError(
        f"the index wants us to wait {seconds:.0f} s", f"run it again then; {state}"
    )


def _sleep_before_retry(
    response: UploadResponse, attempt: int, retry_policy: RetryPolicy, note: Callable[[str], None]
) -> None:
    """Wait as long as the server asks for.

    If it asks for too long or for nothing, wait a pause of our own, to query the index once more.
    """
    seconds = response.retry_after or 0.0
    if not 0 < seconds <= retry_policy.longest_wait:
        seconds = min(retry_policy.first * 2**attempt, retry_policy.longest)
    note(f"{_format_response(response)}; asking the index again in {seconds:.0f} s")
    time.sleep(seconds)


def _format_response(response: UploadResponse) -> str:
    status = "no answer" if response.status is None else response.status
    return f"{status} {shorten_response(response.text)}".strip()
