"""Remove secrets from what is shown or stored. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.system.redact import REDACTED

if TYPE_CHECKING:
    from collections.abc import Collection


def scrub_text(text: str, hidden: Collection[str]) -> str:
    """Replace the secrets in a text by `REDACTED`."""
    for secret in _sort_longest_first(hidden):
        text = text.replace(secret, REDACTED)
    return text


def scrub_bytes(content: bytes, hidden: Collection[str]) -> bytes:
    """Replace the secrets, encoded in UTF-8, in bytes by `REDACTED`."""
    for secret in _sort_longest_first(hidden):
        content = content.replace(secret.encode(), REDACTED.encode())
    return content


def _sort_longest_first(hidden: Collection[str]) -> list[str]:
    """Sort the secrets, the longest first, because one may be part of another."""
    return sorted(filter(None, hidden), key=len, reverse=True)
