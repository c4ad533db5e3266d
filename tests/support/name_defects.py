"""Defects of members' names and kinds: what a careless unpacker would follow."""

from __future__ import annotations

import stat
from typing import Any

from tests.support.forge import File, add, read, stored, write


def absolute_name(file: File) -> File:
    """A member has an absolute path."""
    return _with_name(file, b"/tensorboard/evil.py")


def drive_letter(file: File) -> File:
    """A member has a Windows drive in its name."""
    return _with_name(file, b"C:/evil.py")


def name_that_leads_upwards(file: File) -> File:
    """A member leads out of the directory."""
    return _with_name(file, b"tensorboard/../../evil.py")


def backslash_name(file: File) -> File:
    """A member's name has backslashes."""
    return _with_name(file, b"tensorboard\\evil.py")


def name_with_empty_part(file: File) -> File:
    """A member's name has two slashes in a row."""
    return _with_name(file, b"tensorboard//evil.py")


def name_with_dot_part(file: File) -> File:
    """A member's name has a part that is just a dot."""
    return _with_name(file, b"tensorboard/./evil.py")


def name_with_nul(file: File) -> File:
    """A member's name has a NUL, behind which some readers do not look."""
    return _with_name(file, b"tensorboard/evil.py\0.txt")


def name_that_is_no_utf8(file: File) -> File:
    """A member's name is flagged as UTF-8 and is not."""
    return _with_name(file, b"tensorboard/\xff.txt", flags=0x800)


def unflagged_utf8_name(file: File) -> File:
    """A member's name is UTF-8 without the flag: some readers take it for cp437."""
    return _with_name(file, "tensorboard/jürgen.txt".encode())


def case_twin(file: File) -> File:
    """Two names differ in case only."""
    return _with_name(file, b"tensorboard/Main.py")


def unicode_twin(file: File) -> File:
    """Two names differ in Unicode form only (a ligature for two letters)."""
    ligature = "tensorboard/pro\ufb01le.txt".encode()
    return add(file, stored(ligature, b"", flags=0x800), stored(b"tensorboard/profile.txt", b""))


def symlink(file: File) -> File:
    """A member is a symbolic link."""
    return _with_name(file, b"tensorboard/link", attr=(stat.S_IFLNK | 0o777) << 16)


def symlink_from_dos(file: File) -> File:
    """A symbolic link that claims to come from MS-DOS; extractors do not ask where from."""
    return _with_name(file, b"tensorboard/link", attr=(stat.S_IFLNK | 0o777) << 16, system=0)


def device(file: File) -> File:
    """A member is a character device."""
    return _with_name(file, b"tensorboard/null", attr=(stat.S_IFCHR | 0o666) << 16)


def directory_entry(file: File) -> File:
    """A directory has an entry of its own, as `zip -r` writes it."""
    directory = stored(b"tensorboard/", b"", attr=(stat.S_IFDIR | 0o755) << 16 | 0x10)
    return file._replace(content=write([directory, *read(file.content)]))


def directory_entry_from_dos(file: File) -> File:
    """A member is a directory by its MS-DOS attribute alone."""
    return _with_name(file, b"tensorboard/directory", attr=0x10, system=0)


def _with_name(file: File, name: bytes, **fields: Any) -> File:
    return add(file, stored(name, b"", **fields))
