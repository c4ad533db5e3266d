"""Parse addresses of repositories, and keep user and password apart from what is displayed.

git's own syntax for addresses can name a program to run (`ext::sh -c …`, gitremote-helpers(7)),
and words that begin with `-` are options (CVE-2017-1000117). This module refuses both.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from builder.errors import RequestError
from builder.system.addresses import mask_address

_PUBLIC_URL = "https://github.com/tensorflow/tensorboard"
_SCHEMES = ("https", "http", "ssh", "git")
_SCP_LIKE = re.compile(r"(?:[\w.][\w.-]*@)?[\w.][\w.-]*:(?![:/]{2})[^:@\s][^@]*")
_REVISION = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.+/-]*")
_OBJECT_ID = re.compile(r"[0-9a-f]{40}")


# A dataclass, as a Struct shows all its fields.
@dataclass(frozen=True, slots=True)
class Remote:
    """A repository's address.

    Attributes:
        url: the URL for git, messages and provenance; without user (except for ssh) and password.
        username: the user for http(s), or None.
        password: the password for http(s), or None.
    """

    url: str
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def is_public(self) -> bool:
        """Whether it is TensorBoard's own repository, where the catalog's commits are."""
        return self.url.lower().rstrip("/").removesuffix(".git") == _PUBLIC_URL

    @property
    def key(self) -> str:
        """The remote's key in file and ref names: 16 hex digits."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    @property
    def origin(self) -> str:
        """Scheme, host and port, for which credentials are valid."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


PUBLIC_REMOTE = Remote(_PUBLIC_URL)


def parse_remote(text: str) -> Remote:
    """Parse an address: an https, http, ssh or git URL, `user@host:path`, or a directory.

    Raises:
        RequestError: it is none of these; the message never contains a password.
    """
    masked = mask_address(text)
    if not text or text.startswith("-") or not text.isprintable():
        raise _make_request_error(masked, "it is no address")
    if re.match(r"[\w+.-]*::", text):
        raise _make_request_error(masked, "it names a transport program, which could run anything")
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme == "file":
        try:
            path = urlsplit(text).path
        except ValueError:
            raise _make_request_error(masked, "it is no URL") from None
        return _parse_directory(Path(unquote(path)), masked)
    if scheme:
        return _parse_url(text, masked)
    if not Path(text).exists() and _SCP_LIKE.fullmatch(text):
        return Remote(text)
    return _parse_directory(Path(text), masked)


def check_revision(text: str) -> str:
    """Return the text, if it looks like a commit's id or the name of a branch or tag.

    Raises:
        RequestError: it could be an option, a range or something else to git.
    """
    if not _REVISION.fullmatch(text) or ".." in text or "//" in text or text.endswith((".", "/")):
        raise RequestError(
            f"{text!r} is no commit",
            "name commits by their id, as `git log` shows it, or by a branch or tag",
        )
    return text


def is_object_id(text: str) -> bool:
    """Whether the text is a full object id: 40 hex digits."""
    return _OBJECT_ID.fullmatch(text) is not None


def _parse_url(text: str, masked: str) -> Remote:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _make_request_error(masked, "it is no URL") from None
    if parts.scheme not in _SCHEMES:
        raise _make_request_error(
            masked, f"{parts.scheme!r} is no way to a repository that is allowed"
        )
    if not host or host.startswith("-") or parts.query or parts.fragment:
        raise _make_request_error(masked, "it is no URL of a repository")
    netloc = f"[{host}]" if ":" in host else host
    netloc += "" if port is None else f":{port}"
    if parts.scheme == "ssh":
        # ssh takes the user as part of the address, and never a password.
        if (parts.username or "").startswith("-"):
            raise _make_request_error(masked, "its user could be an option")
        user = f"{parts.username}@" if parts.username else ""
        return Remote(_join_url(parts, user + netloc))
    name, password = (None if p is None else unquote(p) for p in (parts.username, parts.password))
    if any(p is not None and not p.isprintable() for p in (name, password)):
        raise _make_request_error(masked, "its user or password has a control character")
    return Remote(_join_url(parts, netloc), name, password)


def _join_url(parts: SplitResult, netloc: str) -> str:
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))


def _parse_directory(path: Path, masked: str) -> Remote:
    if not path.is_dir():
        raise _make_request_error(masked, "there is no such directory")
    # A URL and not a path: given a path, git copies everything and ignores `--filter`.
    return Remote(path.resolve().as_uri())


def _make_request_error(masked: str, why: str) -> RequestError:
    return RequestError(
        f"{masked!r} cannot be used as a repository: {why}",
        "give an https, ssh or git URL, user@host:path, or a directory",
    )
