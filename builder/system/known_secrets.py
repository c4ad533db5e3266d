"""The secrets of this run, and what somebody else wrote without them.

They are kept for the whole process, as any server and any library may quote them, in any message.

Which function when:

- an address that the user gave, in our message: `builder.system.addresses.mask_address`
- one line that a server, a library or a program wrote: `hide_secrets`, which shows all or nothing,
  as it may spell a secret in another way
- many lines, such as a traceback or the end of a log: `hide_secret_lines`
- a text of ours, in which a secret would stand as it is: `redact_known_secrets`. The console does
  it for notes and errors; only what goes to a file has to call it
- the secrets of one smoke test, in its logs and reports: `builder.system.redact`
- what a program that we start inherits: `builder.system.secret_variables`

`builder.system.spellings` is the search behind the second and third. What is printed is also made
plain, secret or not: `builder.system.plain_text`, called by the console.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from builder.system.addresses import list_address_secrets
from builder.system.redact import MIN_SECRET_LENGTH, redact_credentials, redact_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LONGEST_SHOWN = 500  # characters
_LOOKED_AT = 1000  # characters; more than is shown, so that no secret is cut in two
_LEFT_OUT = "(left out, as it could hold a password)"
# Names of variables that hold a secret, an address, or several addresses with spaces between.
_SECRET_NAME = re.compile(r".*(?:TOKEN|PASSWORD|PASSWD|SECRET|PASSPHRASE)(?:_\w+)?", re.IGNORECASE)
_ADDRESS_NAME = re.compile(
    r"(?!no_proxy).*(?:_PROXY|_URL|_INDEX|_MIRROR|DOCKER_HOST)", re.IGNORECASE
)
_LIST_NAME = re.compile(r"PIP_EXTRA_INDEX_URL|UV_INDEX|UV_EXTRA_INDEX_URL|\w+_FIND_LINKS")
_LOOKS_LIKE_ADDRESS = re.compile(r"@|%40|:[/\\]", re.IGNORECASE)
# Tokens of package indexes and of GitHub, and JSON Web Tokens (RFC 7519), whosever they are.
_TOKEN = re.compile(r"pypi-[\w-]{16,}|gh[a-z]_\w{20,}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}")

_registered: set[str] = set()
_environments: list[Mapping[str, str]] = []  # read when the first text is looked at


def register_secret(value: str | None) -> None:
    """Remember a password or a token, so that no text shows it."""
    if value:
        _registered.add(value)


def register_address(address: str | None) -> None:
    """Remember what may be a password in an address, which may be malformed."""
    _registered.update(list_address_secrets(address or ""))


def register_arguments(arguments: Iterable[str]) -> None:
    """Remember what may be a password in an address on the command line."""
    for word in arguments:
        value = word.partition("=")[2] if re.match("--[a-z-]+=", word) else word
        if _LOOKS_LIKE_ADDRESS.search(value):
            register_address(value)


def register_environment(env: Mapping[str, str]) -> None:
    """Remember the secrets in environment variables and in the user's netrc file."""
    _environments.append(env)


def hide_secrets(text: str, speaker: str = "the server", *, longest: int = _LONGEST_SHOWN) -> str:
    """Shorten what somebody else wrote; withhold all of it if it could hold one of our secrets.

    Args:
        text: what a server, a library or a program said.
        speaker: who it is.
        longest: how many characters are shown.
    """
    text = text[: max(_LOOKED_AT, 2 * longest)]
    if _TOKEN.search(text) or _could_hold_secret(text):
        return f"what {speaker} said is not shown, as it could hold a password"
    text = redact_credentials(text)
    return text if len(text) <= longest else f"{text[:longest]}…"


def hide_secret_lines(text: str) -> str:
    """Leave out the lines of a traceback or a log that could hold one of our secrets."""
    if _could_hold_secret(text, depth=1):
        lines = text.split("\n")
        kept = [_LEFT_OUT if _could_hold_secret(x, depth=1) else x for x in lines]
        text = "\n".join(kept) if _LEFT_OUT in kept else _LEFT_OUT
    return redact_credentials(text)


def redact_known_secrets(text: str) -> str:
    """Replace our secrets in a text by `REDACTED`, as they are and as in addresses."""
    known = [s for s in _list_known_secrets() if len(s) >= MIN_SECRET_LENGTH]
    return redact_secrets(text, {*known, *(quote(s, safe="") for s in known)})


def _could_hold_secret(text: str, depth: int | None = None) -> bool:
    """Whether the text may hold one of our secrets; most runs have none, and look for none."""
    secrets = _list_known_secrets()
    if not secrets:
        return False
    from builder.system.spellings import MAX_DEPTH, could_hold_secret

    return could_hold_secret(text, secrets, depth=depth or MAX_DEPTH)


def _list_known_secrets() -> set[str]:
    while _environments:
        env = _environments.pop()
        for name, value in env.items():
            if _SECRET_NAME.fullmatch(name):
                register_secret(value)
            elif _LIST_NAME.fullmatch(name):
                for address in value.split():
                    register_address(address)
            elif _ADDRESS_NAME.fullmatch(name):
                register_address(value)
        _registered.update(_read_netrc_passwords(env))
    return _registered


def _read_netrc_passwords(env: Mapping[str, str]) -> list[str]:
    """Read the passwords of the files that requests reads (netrc(5)); none if there is no file."""
    from builder.system.pip_settings import find_home

    home = find_home(env)
    places = (env.get("NETRC"), str(home / ".netrc"), str(home / "_netrc"))
    paths = [path for path in places if path and os.path.isfile(path)]  # noqa: PTH113
    if not paths:
        return []
    import netrc

    found = []
    for path in paths:
        with suppress(OSError, UnicodeDecodeError, netrc.NetrcParseError):
            for _, _, password in netrc.netrc(path).hosts.values():
                found += [password] if password else []
    return found
