"""Takes credentials out of text before anybody sees it."""

from __future__ import annotations

import re

# Up to the last @ before the path: a password that nobody escaped may have some of its own.
_USERINFO = re.compile(r"(?<=://)[^/\s]+@")


def redact_credentials(text: str) -> str:
    """The text with `***` in the place of users and passwords in the URLs in it."""
    return _USERINFO.sub("***@", text)
