"""Interpret an index's response to an upload."""

from __future__ import annotations

import html
import re
from enum import StrEnum
from typing import NamedTuple

from builder.errors import PublishError
from builder.system.known_secrets import hide_secrets

_MAX_READ_CHARS = 100_000  # most of a page may be markup
_MAX_SHOWN_CHARS = 300
_MARKUP = re.compile(r"<(head|style|script|title)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
# What says that a file exists, by status: warehouse (warehouse/forklift/legacy.py), Nexus and
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
    """The response to an upload.

    Attributes:
        status: the HTTP status, or None if the connection broke or nothing came in time.
        text: what the server said, or what became of the connection; it may hold our password, and
            only `shorten_response` makes it fit for a message.
        retry_after: seconds that the server asks us to wait, or None.
    """

    status: int | None
    text: str = ""
    retry_after: float | None = None


class ResponseMeaning(StrEnum):
    """What a response means for the file; `interpret_response` explains the members."""

    STORED = "stored"
    EXISTS = "exists"
    WAIT = "wait"
    UNKNOWN = "unknown"


class UploadRefusedError(PublishError):
    """The index takes no upload from us, so that any other file would be refused too."""


def interpret_response(response: UploadResponse, filename: str) -> ResponseMeaning:
    """Interpret a response to the upload of a file.

    Returns:
        `STORED`: it is there. `EXISTS`: a file of this name was there before. `WAIT`: not now, and
        nothing was stored. `UNKNOWN`: it may be there or not; the index must be queried before
        anything is sent again.

    Raises:
        UploadRefusedError: the credentials are wrong or missing, or this URL takes no uploads.
        PublishError: this file will never be accepted as it is.
    """
    status, text = response.status, response.text
    if status is None or status >= 500:
        # A gateway's 5xx does not tell what the server behind it did, even with Retry-After.
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
    """Make the error for an index that has another file of this name."""
    listed = shorten_response(sha256)  # it need not look like one
    return PublishError(
        f"the index has another {filename} (sha256 {listed}); file names are never given twice",
        "--build-tag N makes another file name",
    )


def make_reused_error(filename: str) -> PublishError:
    """Make the error for an index that had a file of this name once."""
    return PublishError(
        f"the index had a {filename} before and does not take the name again",
        "--build-tag N makes another file name",
    )


def shorten_response(text: str) -> str:
    """Shorten what a server said to one line without markup, or withhold it for a secret in it."""
    plain = " ".join(html.unescape(_MARKUP.sub(" ", text[:_MAX_READ_CHARS])).split())
    return hide_secrets(plain, longest=_MAX_SHOWN_CHARS)


def _make_refusal_error(status: int, text: str, filename: str) -> PublishError:
    name = filename.partition("-")[0]
    message = f"the index refuses {filename}: {status} {shorten_response(text)}".rstrip()
    if _NAME_FORBIDDEN.search(text):
        return PublishError(
            message, f"the name {name} is not yours there: choose another with --name"
        )
    if status == 401:
        return UploadRefusedError(
            message, "give it a user name and a password or token that it knows"
        )
    if status == 403:
        return UploadRefusedError(
            message, f"look at the token; if {name} belongs to someone else there, choose --name"
        )
    if 300 <= status < 400:
        return UploadRefusedError(
            message, "it redirects uploads: name the URL that it redirects to"
        )
    if status in {404, 405}:
        return UploadRefusedError(message, "no uploads are taken at this URL; look at --repository")
    return PublishError(message, "fix what the index says, and build the wheel again")
