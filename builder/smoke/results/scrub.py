"""Secrets taken out of what is shown or kept. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.system.redact import REDACTED

if TYPE_CHECKING:
    from collections.abc import Collection


def scrub_text(text: str, hidden: Collection[str]) -> str:
    """The same without the secrets."""
    for secret in _sort_longest_first(hidden):
        text = text.replace(secret, REDACTED)
    return text


def scrub_bytes(content: bytes, hidden: Collection[str]) -> bytes:
    """The same without the secrets, as UTF-8 spells them."""
    for secret in _sort_longest_first(hidden):
        content = content.replace(secret.encode(), REDACTED.encode())
    return content


def _sort_longest_first(hidden: Collection[str]) -> list[str]:
    """One may be part of another."""
    return sorted(filter(None, hidden), key=len, reverse=True)
