"""Read and write RECORD, the list of a wheel's files with hashes and sizes.

Rules: "Recording installed projects" and "Binary distribution format" on packaging.python.org, and
PEP 376 and 427. RECORD is CSV of path, `algorithm=urlsafe-base64-without-padding`, size in bytes.
It lists every file of the archive, and itself without hash and size.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class RecordEntry(NamedTuple):
    """One line of RECORD: the path, and hash and size as they are written (empty if absent)."""

    path: str
    hash: str
    size: str


def make_record_hash(content: bytes) -> str:
    """Make the hash field of a content, such as `sha256=47DEQpj8HBSa-_TImW-5JCeu…`."""
    return encode_record_hash(hashlib.sha256(content).digest())


def encode_record_hash(raw: bytes, algorithm: str = "sha256") -> str:
    """Encode a raw digest as a hash field."""
    return f"{algorithm}=" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parse_record(content: bytes) -> list[RecordEntry]:
    """Parse the lines of a RECORD, in order.

    Raises:
        ValueError: it is not UTF-8 or not CSV, or a line does not have exactly three fields.
    """
    entries = []
    try:
        for number, row in enumerate(csv.reader(io.StringIO(content.decode(), newline="")), 1):
            if len(row) != 3:
                raise ValueError(f"line {number} has {len(row)} fields instead of 3")
            entries.append(RecordEntry(*row))
    except csv.Error as error:
        raise ValueError(f"it is no CSV ({error})") from error
    return entries


def rewrite_record(
    content: bytes,
    own_path: str,
    rename: Callable[[str], str],
    changed: Mapping[str, bytes],
    added: Iterable[str] = (),
) -> bytes:
    """Make the RECORD of a rewritten wheel.

    Args:
        content: the stock wheel's RECORD. Lines of members that do not change keep their bytes.
        own_path: the path of RECORD itself, before renaming; its line moves to the end.
        rename: old path → new path.
        changed: new path → new content, for changed and added members.
        added: new paths that the stock wheel does not have, listed after the others.

    Raises:
        ValueError: as `parse_record`.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n" if b"\r\n" in content else "\n")
    for entry in parse_record(content):
        if entry.path == own_path:
            continue
        path = rename(entry.path)
        new = changed.get(path)
        writer.writerow(entry._replace(path=path) if new is None else _make_entry(path, new))
    for path in added:
        writer.writerow(_make_entry(path, changed[path]))
    writer.writerow(RecordEntry(rename(own_path), "", ""))
    return out.getvalue().encode()


def _make_entry(path: str, content: bytes) -> RecordEntry:
    return RecordEntry(path, make_record_hash(content), str(len(content)))
