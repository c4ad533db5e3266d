"""Defects of RECORD: one thing wrong in an otherwise careful wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.forge import File, edit_unsealed, find, inflate, read, record_line, write
from tests.support.zip_defects import MAIN

if TYPE_CHECKING:
    from collections.abc import Callable


def stale_hash(file: File) -> File:
    """A member changed after RECORD was written (the hand recipe of the task's beginnings)."""
    return edit_unsealed(file, f"{file.dist_info}METADATA", lambda b: b + b"\nmore\n")


def other_size_in_record(file: File) -> File:
    """RECORD has the right hash and another size."""
    return _record(file, lambda path, _: (*record_line(path, _)[:2], "1"))


def size_missing_in_record(file: File) -> File:
    """RECORD has the right hash and no size."""
    return _record(file, lambda path, content: (*record_line(path, content)[:2], ""))


def missing_from_record(file: File) -> File:
    """A member is not in RECORD."""
    return _record(file, lambda *_: None)


def missing_member(file: File) -> File:
    """RECORD lists a file that is not there."""
    return _record_text(file, lambda text: b"tensorboard/gone.py,sha256=x,1\n" + text)


def listed_twice(file: File) -> File:
    """RECORD lists a member twice."""
    return _record_text(file, lambda text: text.splitlines(True)[0] + text)


def own_hash(file: File) -> File:
    """RECORD has a hash for itself."""
    own = f"{file.dist_info}RECORD".encode()
    return _record_text(file, lambda t: t.replace(own + b",,", own + b",sha256=x,1"))


def record_not_utf8(file: File) -> File:
    """RECORD is not UTF-8."""
    return _record_text(file, lambda text: text + b"\xff,,\n")


def record_with_two_columns(file: File) -> File:
    """A line of RECORD has two fields."""
    return _record_text(file, lambda text: text + b"a,b\n")


def record_with_huge_field(file: File) -> File:
    """A field of RECORD is longer than Python's csv module takes."""
    return _record_text(file, lambda text: text + b"a" * 200_000 + b",,\n")


def no_record(file: File) -> File:
    """There is no RECORD."""
    kept = [e for e in read(file.content) if not e.name.endswith(b"/RECORD")]
    return file._replace(content=write(kept))


def md5_hash(file: File) -> File:
    """RECORD has an MD5."""
    return _record(file, lambda path, content: record_line(path, content, "md5"))


def sha1_hash(file: File) -> File:
    """RECORD has a SHA-1."""
    return _record(file, lambda path, content: record_line(path, content, "sha1"))


def no_hash(file: File) -> File:
    """RECORD has no hash for a member."""
    return _record(file, lambda path, content: (path, "", str(len(content))))


def unknown_hash(file: File) -> File:
    """RECORD has a hash of an algorithm that nobody knows."""
    return _record(file, lambda path, content: (path, "rot13=x", str(len(content))))


def sha512_hash(file: File) -> File:
    """RECORD has a SHA-512: stronger, and no defect."""
    return _record(file, lambda path, content: record_line(path, content, "sha512"))


def _record_text(file: File, change: Callable[[bytes], bytes]) -> File:
    return edit_unsealed(file, f"{file.dist_info}RECORD", change)


def _record(file: File, line: Callable[[str, bytes], tuple[str, str, str] | None]) -> File:
    """Another line for main.py in RECORD."""

    def change(text: bytes) -> bytes:
        new = line(MAIN, inflate(find(file, MAIN)))
        rows = text.splitlines(True)
        (place,) = [i for i, row in enumerate(rows) if row.startswith(f"{MAIN},".encode())]
        rows[place : place + 1] = [] if new is None else [",".join(new).encode() + b"\n"]
        return b"".join(rows)

    return _record_text(file, change)
