"""Addresses with a password, most of them malformed: none may be displayed with it."""

from __future__ import annotations

# The two halves of a password, of which no message may have either.
HALVES = ("Quokka", "Zebra77")
_WHOLE = "".join(HALVES)


def _join_with(sign: str) -> str:
    return f"https://ann:{sign.join(HALVES)}@127.0.0.1:9/simple/"


ADDRESSES = {
    "well-formed": f"http://ann:{_WHOLE}@127.0.0.1:9/simple/",
    "a token for a user": f"http://{_WHOLE}@127.0.0.1:9/simple/",
    "percent-encoded": f"http://ann:{HALVES[0]}%2F{HALVES[1]}@127.0.0.1:9/simple/",
    **{f"with {sign!r}": _join_with(sign) for sign in "#/?@ []:\\%|\"'<>{}^`\t\n\u202e"},
    "without a scheme": f"ann:{_WHOLE}@127.0.0.1:9/simple",
    "without a scheme, with slashes": f"//ann:{_WHOLE}@127.0.0.1:9/simple",
    "with an empty scheme": f"://ann:{_WHOLE}@127.0.0.1:9/simple",
    "one slash": f"https:/ann:{_WHOLE}@127.0.0.1:9/simple",
    "no slash": f"https:ann:{_WHOLE}@127.0.0.1:9/simple",
    "three slashes": f"https:///ann:{_WHOLE}@127.0.0.1:9/simple",
    "no colon": f"https//ann:{_WHOLE}@127.0.0.1:9/simple",
    "backslashes": f"https:\\\\ann:{_WHOLE}@127.0.0.1:9\\simple",
    "a scheme that nobody knows": f"htps://ann:{_WHOLE}@127.0.0.1:9/simple",
    "a space in the port": f"https://ann:{_WHOLE}@127.0.0.1:80 80/simple",
    "a port of letters": f"https://ann:{_WHOLE}@127.0.0.1:port/simple",
    "a port too high": f"https://ann:{_WHOLE}@127.0.0.1:99999/simple",
    "an open bracket": f"https://ann:{_WHOLE}@[::1/simple",
    "a space in the host": f"https://ann:{_WHOLE}@127.0. 0.1:9/simple",
    "a percent in the host": f"https://ann:{_WHOLE}@127.0.0.1%zz:9/simple",
    "no host": f"https://ann:{_WHOLE}@/simple",
    "no host and no @": f"https://ann:{_WHOLE}",
    "an @ that is encoded": f"https://ann:{_WHOLE}%40127.0.0.1:9/simple",
    "all of it encoded": f"https://ann%3A{_WHOLE}%40127.0.0.1:9/simple",
    "host and user in the wrong order": f"https://127.0.0.1:9@ann:{_WHOLE}/simple",
    "a space before": f" https://ann:{_WHOLE}@127.0.0.1:9/simple",
    "a line end behind": f"https://ann:{_WHOLE}@127.0.0.1:9/simple\n",
    "in quotes": f"'https://ann:{_WHOLE}@127.0.0.1:9/simple'",
    "in a query": f"https://127.0.0.1:9/simple?token={_WHOLE}",
    "an @ in the path": f"https://ann:{_WHOLE}@127.0.0.1:9/@scope/simple",
    "ssh": f"ssh://ann:{_WHOLE}@127.0.0.1:9/repository",
    "scp's form with a password": f"ann:{_WHOLE}@127.0.0.1:repository",
    "a transport": f"ext::https://ann:{_WHOLE}@127.0.0.1:9/simple",
    "a file": f"file://ann:{_WHOLE}@127.0.0.1/simple",
}


def find_leak(text: str) -> str:
    """Return the half of the password that a text has, or ""."""
    return next((half for half in HALVES if half.lower() in text.lower()), "")
