"""Secrets, and how they are kept out of output."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Collection

REDACTED = "***"  # replaces every secret in output
MIN_SECRET_LENGTH = 4  # characters; what is shorter stands in any sentence
# Up to the last @ before the path, as a password that was not escaped may contain an @.
_USERINFO = re.compile(r"(?<=://)[^/\s]+@")


# A dataclass, as a Struct shows all its fields.
@dataclass(frozen=True, slots=True)
class Secret:
    """A token or a password; only its `value` shows it, not `str` or `repr`.

    Attributes:
        value: the secret itself.
    """

    value: str = field(repr=False)

    @classmethod
    def generate(cls) -> Secret:
        """Generate a secret of 128 bits, in hex."""
        import secrets

        return cls(secrets.token_hex(16))

    def __str__(self) -> str:
        return REDACTED

    def list_spellings(self) -> tuple[str, ...]:
        """List its spellings: as it is, and percent-encoded as in URLs."""
        return (self.value, quote(self.value, safe=""))


def redact_secrets(text: str, hidden: Collection[str]) -> str:
    """Replace the secrets in a text by `REDACTED`."""
    for secret in _sort_longest_first(hidden):
        text = text.replace(secret, REDACTED)
    return text


def redact_bytes(content: bytes, hidden: Collection[str]) -> bytes:
    """Replace the secrets, encoded in UTF-8, in bytes by `REDACTED`."""
    for secret in _sort_longest_first(hidden):
        content = content.replace(secret.encode(), REDACTED.encode())
    return content


def _sort_longest_first(hidden: Collection[str]) -> list[str]:
    """Sort the secrets, the longest first, because one may be part of another."""
    return sorted(filter(None, hidden), key=len, reverse=True)


def redact_credentials(text: str) -> str:
    """Replace users and passwords in the URLs of a text by `REDACTED`."""
    return _USERINFO.sub(f"{REDACTED}@", text)
