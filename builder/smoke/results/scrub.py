"""Secrets taken out of what is shown or kept. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Collection

_HIDDEN = "(hidden)"


def list_secret_spellings(token: str) -> tuple[str, ...]:
    """How a token stands in texts and in addresses."""
    return (token, quote(token, safe=""))


def scrub_text(text: str, hidden: Collection[str]) -> str:
    """The same without the secrets."""
    for secret in _sort_longest_first(hidden):
        text = text.replace(secret, _HIDDEN)
    return text


def scrub_bytes(content: bytes, hidden: Collection[str]) -> bytes:
    """The same without the secrets, as UTF-8 spells them."""
    for secret in _sort_longest_first(hidden):
        content = content.replace(secret.encode(), _HIDDEN.encode())
    return content


def _sort_longest_first(hidden: Collection[str]) -> list[str]:
    """One may be part of another."""
    return sorted(filter(None, hidden), key=len, reverse=True)
