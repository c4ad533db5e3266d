"""RECORD: the list of a wheel's files with hashes and sizes.

Rules: "Recording installed projects" and "Binary distribution format" on packaging.python.org, and
PEP 376 and 427: CSV of path, `algorithm=urlsafe-base64-without-padding`, size in bytes; every file
of the archive is listed; RECORD itself without hash and size.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Entry(NamedTuple):
    """One line: the path, and hash and size as they are written (empty where absent)."""

    path: str
    hash: str
    size: str


def digest(content: bytes) -> str:
    """The hash field for this content, such as `sha256=47DEQpj8HBSa-_TImW-5JCeu…`."""
    return encode_digest(hashlib.sha256(content).digest())


def encode_digest(raw: bytes, algorithm: str = "sha256") -> str:
    """The hash field for this raw digest."""
    return f"{algorithm}=" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parse(content: bytes) -> list[Entry]:
    """The lines of a RECORD, in order.

    Raises:
        ValueError: it is no UTF-8 or no CSV, or a line has other than three fields.
    """
    entries = []
    try:
        for number, row in enumerate(csv.reader(io.StringIO(content.decode(), newline="")), 1):
            if len(row) != 3:
                raise ValueError(f"line {number} has {len(row)} fields instead of 3")
            entries.append(Entry(*row))
    except csv.Error as error:
        raise ValueError(f"it is no CSV ({error})") from error
    return entries


def rewrite(
    content: bytes,
    own_path: str,
    rename: Callable[[str], str],
    changed: Mapping[str, bytes],
    added: Iterable[str] = (),
) -> bytes:
    """RECORD for a rewritten wheel.

    Args:
        content: the stock wheel's RECORD. Lines of members that do not change keep their bytes.
        own_path: the path of RECORD itself, before renaming; its line moves to the end.
        rename: old path → new path.
        changed: new path → new content, for changed and added members.
        added: new paths that the stock wheel does not have, listed after the others.

    Raises:
        ValueError: as `parse`.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n" if b"\r\n" in content else "\n")
    for entry in parse(content):
        if entry.path == own_path:
            continue
        path = rename(entry.path)
        new = changed.get(path)
        writer.writerow(entry._replace(path=path) if new is None else _entry(path, new))
    for path in added:
        writer.writerow(_entry(path, changed[path]))
    writer.writerow(Entry(rename(own_path), "", ""))
    return out.getvalue().encode()


def _entry(path: str, content: bytes) -> Entry:
    return Entry(path, digest(content), str(len(content)))
