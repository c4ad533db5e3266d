"""Recognise web addresses, and keep the passwords in them out of what is displayed.

Where an address is malformed, no parser says where its password ends. So what is displayed of it is
only what is certainly none of it.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from builder.system.redact import MIN_SECRET_LENGTH, REDACTED

# With the slashes that people mistype: `https:/`, `https:\\`.
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*:[/\\]+)")
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[\w-]+(?:\.[\w-]+)*\.?)"
_HOST_AND_PATH = re.compile(rf"{_HOST}?(?::[0-9]{{1,5}})?(?:/[^\s?#@\\]*)?")
_WEB_ADDRESS = re.compile(
    rf"https?://(?:[^\s/?#@\[\]\\]+@)?{_HOST}(?::(?P<port>[0-9]{{1,5}}))?(?:[/?#][^\s\\]*)?",
    re.IGNORECASE,
)
# With http, what stands for a user may be a token.
_HAS_PLAIN_USER = re.compile(r"(?:ssh|git|tcp)://|[\w.-]+@[\w.-]+:", re.IGNORECASE)
_MAX_PORT = 65535
# RFC 3986 keeps these out of users and passwords, unless they are percent-encoded. A parser that
# finds one there quotes what is before or behind it.
_DELIMITERS = re.compile(r"[/?#@:\[\]\\\s]+")
_SEARCH_VALUE = re.compile(r"[?&;][^=&;#]*=([^&;#\s]+)")


def is_web_address(text: str) -> bool:
    """Whether the text is a well-formed http or https address (RFC 3986)."""
    found = _WEB_ADDRESS.fullmatch(text)
    return found is not None and text.isprintable() and int(found["port"] or 1) <= _MAX_PORT


def is_proxy_address(text: str) -> bool:
    """Whether the text is a proxy's well-formed address: http(s), SOCKS, or without a scheme."""
    address = re.sub("^socks[45][ah]?://", "http://", text, flags=re.IGNORECASE)
    return is_web_address(address if "://" in address else f"http://{address}")


def mask_address(text: str) -> str:
    """Mask the user, password and query of an address, which may be malformed, for a message.

    A path or a name, which cannot hold a password, is returned as it is.
    """
    scheme, rest = _split_scheme(text)
    if not scheme and not re.search("@|:|%40|%3a", text, re.IGNORECASE):
        return text
    _, credentials, rest = rest.rpartition("@")
    shown = re.split(r"[?#]", rest, maxsplit=1)[0]
    if re.search("%40", shown, re.IGNORECASE) or not _HOST_AND_PATH.fullmatch(shown):
        return f"{scheme.lstrip()}{REDACTED}"
    return (
        scheme.lstrip()
        + (f"{REDACTED}@" if credentials else "")
        + shown
        + (f"?{REDACTED}" if shown != rest else "")
    )


def list_address_secrets(text: str) -> tuple[str, ...]:
    """List what may be a password in an address, which may be malformed; decoded ones, too."""
    found: dict[str, None] = {}
    for spelling in dict.fromkeys((text, unquote(text))):
        candidates = _list_candidates(spelling)
        if candidates and not is_web_address(text):
            pieces = [p for c in candidates for p in _DELIMITERS.split(c)]
            candidates += [p for p in pieces if len(p) >= MIN_SECRET_LENGTH]
        found |= dict.fromkeys(candidates)
    found |= {unquote(secret): None for secret in found}
    return tuple(filter(None, found))


def _list_candidates(text: str) -> list[str]:
    scheme, rest = _split_scheme(text)
    userinfos = [rest[: match.start()] for match in re.finditer("@", rest)]
    found = []
    for userinfo in userinfos:
        user, colon, password = userinfo.partition(":")
        if colon or not _HAS_PLAIN_USER.match(text):
            found.append(password if colon else user)
    # What stands for a port may be a password, too. In scp's form it is a path.
    behind = rest[len(userinfos[-1]) + 1 :] if userinfos else rest
    host, colon, port = re.split(r"[/?#\\]", behind, maxsplit=1)[0].partition(":")
    if (scheme or not userinfos) and colon and not port.isdigit() and not host.startswith("["):
        found += [port, behind.partition(":")[2]]
    return found + _SEARCH_VALUE.findall(rest)


def _split_scheme(text: str) -> tuple[str, str]:
    scheme = _SCHEME.match(text)
    return (scheme[0], text[scheme.end() :]) if scheme else ("", text)
