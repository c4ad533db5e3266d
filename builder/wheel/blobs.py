"""Contents by the ids that git gives them."""

from __future__ import annotations

import hashlib


def hash_git_blob(content: bytes) -> str:
    """The id that git gives this content: sha1 over `blob`, the size, a NUL, and the bytes."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
