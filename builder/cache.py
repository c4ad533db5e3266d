"""The content-addressed cache of stock wheels, shared by all runs of a user.

A file's name is its sha256; it appears by atomic rename and is verified on every use, so neither a
parallel run nor an interrupted download nor bit rot can hand out wrong bytes.
"""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import IndexLookupError

if TYPE_CHECKING:
    from collections.abc import Iterator


# Bytes of a raw sha256.
_DIGEST = 32


class Cache:
    """Files by their sha256, below one directory that is made when it is first written to.

    Beside them it keeps outcomes of codemods under keys of their making (`builder.delta.Memo`).
    """

    def __init__(self, root: Path) -> None:
        self._root = root / "sha256"
        self._outcomes = root / "outcomes"

    def path(self, sha256: str) -> Path:
        """Where the file with that hash lies, or would lie."""
        return self._root / sha256[:2] / sha256

    def read(self, sha256: str) -> bytes | None:
        """The file's bytes, verified; None if it is not there. A spoiled file is removed."""
        path = self.path(sha256)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
        with suppress(OSError):
            path.unlink()
        return None

    def get(self, key: str) -> bytes | None:
        """An outcome kept by `put`, or None; a spoiled one counts as none."""
        try:
            kept = self._outcome(key).read_bytes()
        except OSError:
            return None
        digest, outcome = kept[:_DIGEST], kept[_DIGEST:]
        return outcome if hashlib.sha256(outcome).digest() == digest else None

    def put(self, key: str, outcome: bytes) -> None:
        """Keep an outcome, its own hash in front; a cache that cannot be written keeps nothing."""
        path = self._outcome(key)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                file.write(hashlib.sha256(outcome).digest() + outcome)
            Path(file.name).replace(path)

    def _outcome(self, key: str) -> Path:
        return self._outcomes / key[:2] / key

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """A path of our own to download to, on the cache's file system; gone afterwards.

        Raises:
            IndexLookupError: the cache directory cannot be written.
        """
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            directory = tempfile.TemporaryDirectory(prefix="incoming-", dir=self._root)
        except OSError as error:
            raise IndexLookupError(
                f"the cache {self._root} cannot be written: {error.strerror}",
                "set XDG_CACHE_HOME to a directory that can",
            ) from error
        with directory as name:
            yield Path(name) / "file"

    def admit(self, path: Path, sha256: str) -> bytes:
        """Take a downloaded file in, if it is the one that was meant.

        Returns:
            Its bytes.

        Raises:
            IndexLookupError: it is another file than `sha256` says.
        """
        content = path.read_bytes()
        actual = hashlib.sha256(content).hexdigest()
        if actual != sha256:
            raise IndexLookupError(
                f"the download has sha256 {actual}, not {sha256}: tampered with or cut short",
                "try again; if it stays so, the index serves another file than the catalog pins",
            )
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        return content
