"""Defects of the container: each takes a good wheel and gives it back with one thing wrong.

What an attacker can list in RECORD is listed there, so that nothing else gives the defect away.
"""

from __future__ import annotations

import bz2
import hashlib
import zipfile
import zlib
from dataclasses import replace
from typing import Any

from tests.support.forge import (
    Entry,
    File,
    add,
    alter,
    deflate,
    edit_unsealed,
    find,
    hash_field,
    inflate,
    read,
    stored,
    write,
)

MAIN = "tensorboard/main.py"
NOTEBOOK = "tensorboard/notebook.py"
_EXTRA = b"\x55\x54\x05\x00\x01\x00\x00\x00\x00"  # a timestamp, as Info-ZIP writes it
_FLOOD = 16 * 1024 * 1024


def bytes_in_front(file: File) -> File:
    """Bytes lie in front of the first member, and all offsets are right."""
    return file._replace(content=write(read(file.content), before=b"#!/bin/sh\n"))


def bytes_in_front_unaccounted(file: File) -> File:
    """Bytes lie in front, and the offsets are as if they did not."""
    return file._replace(content=b"#!/bin/sh\n" + file.content)


def cut_short(file: File) -> File:
    """The second half of the file is missing."""
    return file._replace(content=file.content[: len(file.content) // 2])


def cut_comment(file: File) -> File:
    """The end record announces a comment that is not there."""
    return file._replace(content=file.content[:-2] + b"\x05\x00")


def split_archive(file: File) -> File:
    """The end record says that this is the second of several disks."""
    return file._replace(content=file.content[:-18] + b"\x01\x00" + file.content[-16:])


def bytes_behind(file: File) -> File:
    """Bytes lie behind the end record."""
    return file._replace(content=file.content + b"more")


def bytes_between_members(file: File) -> File:
    """Bytes lie between two members."""
    return alter(file, MAIN, gap=b"more")


def bytes_behind_directory(file: File) -> File:
    """Bytes lie between the directory and the end record."""
    return file._replace(content=write(read(file.content), between=b"more"))


def archive_comment(file: File) -> File:
    """The archive has a comment."""
    return file._replace(content=write(read(file.content), comment=b"more"))


def member_comment(file: File) -> File:
    """A member has a comment."""
    return alter(file, MAIN, comment=b"more")


def extra_field(file: File) -> File:
    """A member has an extra field in both headers."""
    return alter(file, MAIN, extra=_EXTRA)


def extra_field_in_local_header(file: File) -> File:
    """A member has an extra field in its local header only."""
    return alter(file, MAIN, local={"extra": _EXTRA})


def local_name_differs(file: File) -> File:
    """The local header has another name."""
    return alter(file, MAIN, local={"name": b"tensorboard/niam.py"})


def local_size_differs(file: File) -> File:
    """The local header has another size."""
    return alter(file, MAIN, local={"size": 1})


def local_method_differs(file: File) -> File:
    """The local header has another compression method."""
    return alter(file, MAIN, local={"method": zipfile.ZIP_STORED})


def local_version_differs(file: File) -> File:
    """The local header wants another version of zip."""
    return alter(file, MAIN, local={"version": 45})


def data_descriptor(file: File) -> File:
    """A member was streamed: its size stands behind it instead of in its local header."""
    main = find(file, MAIN)
    numbers = (main.crc, len(main.data), main.size)
    descriptor = b"PK\7\x08" + b"".join(n.to_bytes(4, "little") for n in numbers)
    empty = {"crc": 0, "size": 0, "compressed_size": 0}
    return alter(file, MAIN, flags=8, gap=descriptor, local=empty)


def shared_data(file: File) -> File:
    """Two entries of the directory name the same place."""
    main = find(file, MAIN)
    content = inflate(main)
    twin = replace(main, name=b"tensorboard/evil.py", at=main.name)
    # `add` would hash what the entry holds; it holds what main.py does.
    assert inflate(twin) == content
    return add(file, twin)


def overlapping_members(file: File) -> File:
    """The directory places a member inside another one."""
    main = find(file, MAIN)
    return add(file, replace(main, name=b"tensorboard/evil.py", at=main.name, shift=10))


def duplicate_entry(file: File) -> File:
    """A member stands there twice, the same both times."""
    entries = read(file.content)
    return file._replace(content=write([find(file, MAIN), *entries]))


def duplicate_entry_with_other_content(file: File) -> File:
    """A name stands twice; the first content is the attacker's, the last one is in RECORD."""
    evil = stored(MAIN.encode(), b"import os\n")
    return file._replace(content=write([evil, *read(file.content)]))


def encrypted_member(file: File) -> File:
    """A member is flagged as encrypted."""
    return alter(file, MAIN, flags=0x1)


def strongly_encrypted_member(file: File) -> File:
    """A member is flagged as encrypted in the newer way alone."""
    return alter(file, MAIN, flags=0x40)


def bzip2_member(file: File) -> File:
    """A member is compressed with bzip2, as ZIP allows and wheels do not."""
    return alter(file, MAIN, method=zipfile.ZIP_BZIP2, data=bz2.compress(inflate(find(file, MAIN))))


def newer_zip(file: File) -> File:
    """A member wants a version of zip that no reader has."""
    return alter(file, MAIN, version=99)


def patched_data(file: File) -> File:
    """A member is flagged as compressed patched data, which no reader knows."""
    return alter(file, MAIN, flags=0x20)


def wrong_crc(file: File) -> File:
    """Both headers declare another CRC-32."""
    return alter(file, MAIN, crc=1)


def wrong_size(file: File) -> File:
    """Both headers declare one byte too many."""
    return alter(file, MAIN, size=find(file, MAIN).size + 1)


def cut_stream(file: File) -> File:
    """The deflate stream ends too early."""
    return alter(file, MAIN, data=find(file, MAIN).data[:-20])


def bytes_in_stream(file: File) -> File:
    """Bytes lie behind the end of a deflate stream, inside the member."""
    return alter(file, MAIN, data=find(file, MAIN).data + b"more")


def recompressed_member(file: File) -> File:
    """The same content, compressed anew: bytes that nobody published."""
    return alter(file, MAIN, data=deflate(inflate(find(file, MAIN)), 1))


def uncompressed_member(file: File) -> File:
    """The same content, stored, with the time that changed members carry."""
    return edit_unsealed(file, MAIN, bytes)


def changed_mode(file: File) -> File:
    """A member has become executable."""
    return alter(file, MAIN, attr=0o100755 << 16)


def set_user_id(file: File) -> File:
    """A member that a patch changes runs as its owner."""
    return alter(file, NOTEBOOK, attr=0o104755 << 16)


def changed_timestamp(file: File) -> File:
    """A member has another time."""
    return alter(file, MAIN, date=0x5A21)


def clock_in_rewritten_member(file: File) -> File:
    """A member that a patch changes carries the clock's time instead of the fixed one."""
    return alter(file, NOTEBOOK, date=0x5A21)


def bomb_of_declared_size(file: File) -> File:
    """A member declares 640 MB, and has them, in 640 kB."""
    return _bomb(file, b"tensorboard/bomb.bin", 40)


def bomb_of_lying_size(file: File) -> File:
    """A member declares 100 bytes and inflates to 640 MB."""
    return _bomb(file, b"tensorboard/bomb.bin", 40, size=100)


def bomb_of_python(file: File) -> File:
    """A module of 128 MB, which the archive as a whole may have, and no parser."""
    return _bomb(file, b"tensorboard/bomb.py", 8)


def bomb_as_entry_point(file: File) -> File:
    """The module that the entry point names has 128 MB."""
    return _bomb(file, MAIN.encode(), 8)


def bomb_of_webfiles(file: File) -> File:
    """webfiles.zip has 128 MB."""
    return _bomb(file, b"tensorboard/webfiles.zip", 8)


def _bomb(file: File, name: bytes, floods: int, **fields: Any) -> File:
    """A stream of zeros that costs no time to make: one block, flushed, again and again."""
    engine = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    flood = bytes(_FLOOD)
    block = engine.compress(flood) + engine.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    sha256 = hashlib.sha256()
    for _ in range(min(floods, 8)):  # what is larger is never inflated, so never hashed
        crc = zlib.crc32(flood, crc)
        sha256.update(flood)
    data = block * floods + engine.flush()
    declared = fields.get("size", floods * _FLOOD)
    modes = {e.name: e.attr for e in read(file.content)}
    attr = modes.get(name, 0o100644 << 16)
    bomb = Entry(name, data, crc, declared, zipfile.ZIP_DEFLATED, attr=attr)
    *entries, own = [e for e in read(file.content) if e.name != name]
    line = f"{name.decode()},{hash_field(sha256)},{declared}\n".encode()
    kept = [row for row in inflate(own).splitlines(True) if not row.startswith(name + b",")]
    record = stored(own.name, line + b"".join(kept), attr=own.attr)
    return file._replace(content=write([*entries, bomb, record]))
