"""What an index's answer to an upload means. Pure."""

from __future__ import annotations

import html
import re
from enum import StrEnum
from typing import NamedTuple

from builder.errors import PublishError

_MAX_SHOWN_CHARS = 300
_MARKUP = re.compile(r"<(head|style|script|title)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
# What says that a file is there, by status: warehouse (warehouse/forklift/legacy.py), Nexus and
# GitLab; Artifactory (twine/commands/upload.py at 94f810c54c8b; issue 1251 there has newer words).
_FILE_EXISTS = {
    400: re.compile(r"already exists?\b|updating asset|already been taken", re.IGNORECASE),
    403: re.compile(r"\boverwrite\b", re.IGNORECASE),
}
_NAME_REUSED = re.compile(r"already been used", re.IGNORECASE)
_NAME_FORBIDDEN = re.compile(
    r"allowed to upload to project|too similar to|name .{1,100} (isn't|is not) allowed",
    re.IGNORECASE,
)


class UploadResponse(NamedTuple):
    """What came back.

    Attributes:
        status: the HTTP status, or None if the connection broke or nothing came in time.
        text: what the server said, or what became of the connection; no secrets, any length.
        retry_after: seconds that the server wants us to wait, or None.
    """

    status: int | None
    text: str = ""
    retry_after: float | None = None


class ResponseMeaning(StrEnum):
    """What to do about it."""

    STORED = "stored"
    EXISTS = "exists"
    WAIT = "wait"
    UNKNOWN = "unknown"


class UploadRefusedError(PublishError):
    """The index does not know us: nothing else that we send will fare better."""


def interpret_response(response: UploadResponse, filename: str) -> ResponseMeaning:
    """Tell what an answer means for a file.

    Returns:
        `STORED`: it is there. `EXISTS`: a file of this name was there before. `WAIT`: not now, and
        nothing was stored. `UNKNOWN`: it may be there or not; the index must be asked before
        anything is sent again.

    Raises:
        RefusedError: the credentials are wrong or missing.
        PublishError: this file will never be taken as it is.
    """
    status, text = response.status, response.text
    if status is None or status >= 500:
        # A gateway's 5xx says nothing of what the server behind it did, Retry-After or not.
        return ResponseMeaning.UNKNOWN
    if 200 <= status < 300:
        return ResponseMeaning.STORED
    if status == 429:
        return ResponseMeaning.WAIT
    if _NAME_REUSED.search(text):
        raise make_reused_error(filename)
    if status == 409 or (status in _FILE_EXISTS and _FILE_EXISTS[status].search(text)):
        return ResponseMeaning.EXISTS
    raise _make_refusal_error(status, text, filename)


def make_taken_error(filename: str, sha256: str) -> PublishError:
    """The index has another file of this name."""
    return PublishError(
        f"the index has another {filename} (sha256 {sha256}); file names are never given twice",
        "--build-tag N makes another file name",
    )


def make_reused_error(filename: str) -> PublishError:
    """The index had a file of this name once."""
    return PublishError(
        f"the index had a {filename} before and does not take the name again",
        "--build-tag N makes another file name",
    )


def shorten_response(text: str) -> str:
    """What a server said as one line without markup."""
    plain = " ".join(html.unescape(_MARKUP.sub(" ", text)).split())
    return plain if len(plain) <= _MAX_SHOWN_CHARS else plain[:_MAX_SHOWN_CHARS] + "…"


def _make_refusal_error(status: int, text: str, filename: str) -> PublishError:
    name = filename.partition("-")[0]
    said = f"the index refuses {filename}: {status} {shorten_response(text)}".rstrip()
    if _NAME_FORBIDDEN.search(text):
        return PublishError(said, f"the name {name} is not yours there: choose another with --name")
    if status == 401:
        return UploadRefusedError(said, "give it a user name and a password or token that it knows")
    if status == 403:
        return UploadRefusedError(
            said, f"look at the token; if {name} belongs to someone else there, choose --name"
        )
    if 300 <= status < 400:
        return UploadRefusedError(said, "it redirects uploads: name the URL that it redirects to")
    if status in {404, 405}:
        return UploadRefusedError(said, "no uploads are taken at this URL; look at --repository")
    return PublishError(said, "mend what the index says, and build the wheel again")
