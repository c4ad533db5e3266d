"""Secrets, and how they are kept out of what anybody sees."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote

REDACTED = "***"  # what stands in the place of every secret
# Up to the last @ before the path: a password that nobody escaped may have some of its own.
_USERINFO = re.compile(r"(?<=://)[^/\s]+@")


@dataclass(frozen=True, slots=True)
class Secret:
    """A token or a password: only its `value` shows it.

    Attributes:
        value: the secret itself.
    """

    value: str = field(repr=False)

    @classmethod
    def generate(cls) -> Secret:
        """A new one of 128 bits, in hex."""
        return cls(secrets.token_hex(16))

    def __str__(self) -> str:
        return REDACTED

    def list_spellings(self) -> tuple[str, ...]:
        """How it stands in texts and in addresses."""
        return (self.value, quote(self.value, safe=""))


def redact_credentials(text: str) -> str:
    """The text with `REDACTED` in the place of users and passwords in the URLs in it."""
    return _USERINFO.sub(f"{REDACTED}@", text)
