"""Git's blob ids of contents."""

from __future__ import annotations

import hashlib


def hash_git_blob(content: bytes) -> str:
    """Compute git's blob id in hex: sha1 over `blob`, the size in bytes, a NUL, the content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
