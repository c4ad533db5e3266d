"""The content-addressed cache of downloads, such as stock wheels, shared by a user's runs.

A file's name is its sha256. It appears by atomic rename and is verified on every use, so parallel
runs, interrupted downloads and bit rot cannot give wrong bytes.
"""

from __future__ import annotations

import hashlib
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from builder.errors import DISK_FULL_ERRORS, IndexLookupError
from builder.system.files import make_temporary_directory, open_replacement
from builder.system.input_files import MAX_WHEEL, read_input_file
from builder.system.ownership import (
    UntrustedPathError,
    make_private_directory,
    read_trusted_file,
    write_private_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Bytes of a raw sha256.
_DIGEST_SIZE = 32


class Cache:
    """Files by their sha256, below one directory that is made when it is first written to.

    It also stores outcomes of codemods, under a hash of the codemod and its input
    (`builder.patching.delta.CodemodCache`). Their own hash tells of bit rot only, so they are
    believed where nobody else may have written them (`builder.system.ownership`); else they count
    as missing, and the first one is reported. `check` and the rebuild of `check --provenance` do
    not use them.

    Args:
        root: the cache's directory.
        print_note: gets a sentence on outcomes that are not believed, once.
    """

    def __init__(self, root: Path, print_note: Callable[[str], None] = lambda _: None) -> None:
        self._directory = root
        self._root = root / "sha256"
        # One directory per Python version: outcomes of one must not stand in for those of another.
        self._outcomes = root / "outcomes" / f"{sys.version_info.major}.{sys.version_info.minor}"
        self._print_note: Callable[[str], None] | None = print_note

    def get_path(self, sha256: str) -> Path:
        """Return the path for the file with that hash, whether it exists or not."""
        return self._root / sha256[:2] / sha256

    def read_file(
        self, sha256: str, report_corrupt: Callable[[str], None] = lambda _: None
    ) -> bytes | None:
        """Read a file's bytes and verify them; None if it is not there.

        A corrupt file is removed, and `report_corrupt` is called with a sentence about it.
        """
        path = self.get_path(sha256)
        try:
            content = read_input_file(path, MAX_WHEEL)
        except OSError:
            return None
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
        report_corrupt("the copy in the cache was spoiled, and is removed")
        with suppress(OSError):
            path.unlink()
        return None

    def get(self, key: str) -> bytes | None:
        """Get an outcome that `put` stored, or None; a corrupt or untrusted one counts as none."""
        path = self._get_outcome_path(key)
        try:
            kept = read_trusted_file(self._directory, path)
        except UntrustedPathError as error:
            if path.exists():  # a shared cache of stock wheels has no outcomes
                self._report_untrusted(error)
            return None
        except OSError:
            return None
        digest, outcome = kept[:_DIGEST_SIZE], kept[_DIGEST_SIZE:]
        return outcome if hashlib.sha256(outcome).digest() == digest else None

    def put(self, key: str, outcome: bytes) -> None:
        """Store an outcome, preceded by its sha256; if the cache is not writable, do nothing."""
        path = self._get_outcome_path(key)
        with suppress(OSError):
            make_private_directory(path.parent)
            with open_replacement(path) as new:
                write_private_file(new, hashlib.sha256(outcome).digest() + outcome)

    def _report_untrusted(self, error: UntrustedPathError) -> None:
        print_note, self._print_note = self._print_note, None
        if print_note is not None:
            print_note(
                f"{error.reason}: outcomes of codemods there are not believed, and made anew; "
                f"{error.remedy}"
            )

    def _get_outcome_path(self, key: str) -> Path:
        return self._outcomes / key[:2] / key

    @contextmanager
    def make_download_path(self) -> Iterator[Path]:
        """Make a temporary path to download to, on the cache's file system; removed afterwards.

        Raises:
            IndexLookupError: the cache directory cannot be written, or is full.
        """
        with ExitStack() as stack:
            try:
                make_private_directory(self._root)
                directory = stack.enter_context(make_temporary_directory("incoming-", self._root))
            except OSError as error:
                raise IndexLookupError(
                    f"the cache {self._root} cannot be written: {error.strerror}",
                    "set XDG_CACHE_HOME to a directory that can",
                ) from error
            try:
                yield directory / "file"
            except OSError as error:
                if error.errno not in DISK_FULL_ERRORS:
                    raise
                raise IndexLookupError(
                    f"the cache {self._root} is full: {error.strerror}",
                    "make room, or set XDG_CACHE_HOME to another directory",
                ) from error

    def add_download(self, path: Path, sha256: str) -> bytes:
        """Add a downloaded file to the cache, if its sha256 is the expected one.

        Returns:
            Its bytes.

        Raises:
            IndexLookupError: its sha256 is another one.
        """
        content = path.read_bytes()
        actual = hashlib.sha256(content).hexdigest()
        if actual != sha256:
            raise IndexLookupError(
                f"the download has sha256 {actual}, not {sha256}: tampered with or cut short",
                "try again; if it stays so, the index serves another file than the catalog pins",
            )
        target = self.get_path(sha256)
        make_private_directory(target.parent)
        path.replace(target)
        return content
