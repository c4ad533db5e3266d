"""Find out whether a text may hold a secret in another spelling than its own. Pure.

A server that answers chooses how it spells what it was sent: encoded, reversed, split over lines.
So the text is decoded in every way that is common, twice, and letters and digits alone are compared
(RFC 3986, RFC 4648, RFC 2045, RFC 2152, HTML's character references, escapes of JSON and C).
"""

from __future__ import annotations

import base64
import codecs
import html
import math
import re
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from builder.system.redact import MIN_SECRET_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_PART_LENGTH = 8  # characters of a longer secret that give it away; half of it, if that is more
MAX_DEPTH = 2  # an encoding of an encoding
_LONG_TEXT = 2000  # characters; what is longer is decoded once
_ESCAPE = re.compile(
    r"\\u\{([0-9a-f]{1,6})\}|[\\%]u([0-9a-f]{4})|\\U([0-9a-f]{8})|\\x([0-9a-f]{2})|\\([0-7]{1,3})",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^<>]*>")
_SOFT_BREAK = re.compile(r"=\s*\n")
_QUOTED = re.compile(r"=([0-9a-f]{2})", re.IGNORECASE)
_HEX_SEPARATORS = re.compile(r"0x|\\x|[^0-9a-z]", re.IGNORECASE)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_NOT_BASE64_URL = re.compile(r"[^A-Za-z0-9_-]")
_NOT_BASE32 = re.compile(r"[^A-Za-z2-7]")


class _Needle(NamedTuple):
    """What to look for: the parts of a secret, all of one length; whether only letters count."""

    parts: frozenset[str]
    length: int
    reduced: bool


def could_hold_secret(text: str, secrets: Collection[str], *, depth: int = MAX_DEPTH) -> bool:
    """Whether the text may hold one of the secrets, or a part that gives it away.

    It also says so of some texts that hold none. Secrets of fewer than `MIN_SECRET_LENGTH`
    characters are not looked for.

    Args:
        text: what somebody else wrote.
        secrets: what must not be displayed.
        depth: how many encodings around another are undone; 1 if the text is long.
    """
    needles = [n for s in secrets if len(s) >= MIN_SECRET_LENGTH for n in _list_needles(s)]
    if not needles:
        return False
    views = _list_views(text, 1 if len(text) > _LONG_TEXT else depth)
    return any(_holds_needle(view, needles) for view in views)


def _list_needles(secret: str) -> Iterator[_Needle]:
    # What is decoded to bytes is read as Latin-1: so a secret of other letters is, too.
    for spelling in {secret, secret.encode(errors="replace").decode("latin-1")}:
        reduced = _reduce_text(spelling)
        is_word = len(reduced) >= MIN_SECRET_LENGTH
        whole = reduced if is_word else _fold_text(spelling)
        length = min(len(whole), max(_PART_LENGTH, math.ceil(len(whole) / 2)))
        starts = range(len(whole) - length + 1)
        parts = frozenset(w[i : i + length] for w in (whole, whole[::-1]) for i in starts)
        yield _Needle(parts, length, is_word)


def _holds_needle(view: str, needles: Collection[_Needle]) -> bool:
    folded = _fold_text(view)
    reduced = _reduce_text(view)
    # Of two texts that take turns, each is looked at.
    forms = {True: (reduced, reduced[::2], reduced[1::2]), False: (folded,)}
    return any(
        form[i : i + needle.length] in needle.parts
        for needle in needles
        for form in forms[needle.reduced]
        for i in range(len(form) - needle.length + 1)
    )


def _fold_text(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _reduce_text(text: str) -> str:
    return "".join(filter(str.isalnum, _fold_text(text)))


def _list_views(text: str, depth: int) -> set[str]:
    views, new = {text}, {text}
    for _ in range(depth):
        new = {found for view in new for decode in _DECODERS for found in decode(view)} - views
        views |= new
    return views


def _decode_percents(text: str) -> Iterator[str]:
    yield unquote(text, encoding="latin-1")


def _decode_references(text: str) -> Iterator[str]:
    yield html.unescape(text)


def _remove_tags(text: str) -> Iterator[str]:
    yield _TAG.sub("", text)


def _decode_escapes(text: str) -> Iterator[str]:
    def decode_escape(match: re.Match[str]) -> str:
        octal = match[5]
        digits = next(filter(None, match.groups()))
        number = int(digits, 8 if octal else 16)
        return chr(number) if number <= 0x10FFFF else ""

    yield _ESCAPE.sub(decode_escape, text).replace("\\", "")


def _decode_quoted_printable(text: str) -> Iterator[str]:
    yield _QUOTED.sub(lambda match: chr(int(match[1], 16)), _SOFT_BREAK.sub("", text))


def _decode_base64(text: str) -> Iterator[str]:
    for others, alternative in ((_NOT_BASE64, None), (_NOT_BASE64_URL, b"-_")):
        run = others.sub("", text)
        for start in range(4):
            piece = run[start:]
            piece = piece[: len(piece) - (len(piece) % 4 == 1)]
            padded = piece + "=" * (-len(piece) % 4)
            yield base64.b64decode(padded, altchars=alternative).decode("latin-1")


def _decode_base32(text: str) -> Iterator[str]:
    run = _NOT_BASE32.sub("", text).upper()
    for start in range(8):
        piece = run[start:]
        piece = piece[: len(piece) - {1: 1, 3: 1, 6: 1}.get(len(piece) % 8, 0)]
        yield base64.b32decode(piece + "=" * (-len(piece) % 8)).decode("latin-1")


def _decode_hex(text: str) -> Iterator[str]:
    run = _HEX_SEPARATORS.sub("", text)
    for found in re.findall(r"[0-9a-fA-F]{8,}", run):
        for start in (0, 1):
            digits = found[start:]
            yield bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("latin-1")


def _decode_numbers(text: str) -> Iterator[str]:
    words = re.findall(r"[0-9]{2,8}", text)
    for base in (10, 8, 2):
        numbers = []
        for word in words:
            with suppress(ValueError):
                numbers.append(int(word, base))
        yield "".join(chr(n) for n in numbers if n <= 0x10FFFF)


def _decode_utf16(text: str) -> Iterator[str]:
    for encoding in ("utf-16-le", "utf-16-be"):
        yield text.encode(encoding, "surrogatepass").decode("latin-1")


def _decode_misread(text: str) -> Iterator[str]:
    # UTF-8 that was read as Latin-1, as HTTP's header lines are.
    yield text.encode("latin-1", "ignore").decode("utf-8", "ignore")


def _decode_utf7(text: str) -> Iterator[str]:
    yield text.encode("ascii", "ignore").decode("utf-7", "ignore")


def _decode_rot13(text: str) -> Iterator[str]:
    yield codecs.decode(text, "rot13")


_DECODERS: tuple[Callable[[str], Iterator[str]], ...] = (
    _decode_percents,
    _decode_references,
    _remove_tags,
    _decode_escapes,
    _decode_quoted_printable,
    _decode_base64,
    _decode_base32,
    _decode_hex,
    _decode_numbers,
    _decode_utf16,
    _decode_misread,
    _decode_utf7,
    _decode_rot13,
)
