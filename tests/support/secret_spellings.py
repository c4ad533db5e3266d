"""A password, in the spellings in which a server may send it back."""

from __future__ import annotations

import base64
import codecs
import json
import quopri

PASSWORD = "Quokka/27+Zebra=18&Okapi"
USER = "__token__"
_HALF = len(PASSWORD) // 2
_PAIR = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_HEX = PASSWORD.encode().hex()


def _percent(text: str, form: str = "%{:02X}") -> str:
    return "".join(form.format(ord(c)) for c in text)


def _join_codes(form: str, separator: str = " ") -> str:
    return separator.join(form.format(ord(c)) for c in PASSWORD)


SPELLINGS = {
    "as it is": PASSWORD,
    "upper case": PASSWORD.upper(),
    "lower case": PASSWORD.lower(),
    "percent-encoded": _percent(PASSWORD),
    "percent-encoded in lower case": _percent(PASSWORD, "%{:02x}"),
    "percent-encoded in part": _percent(PASSWORD[:5]) + PASSWORD[5:],
    "percent-encoded twice": _percent(_percent(PASSWORD)),
    "percent-encoded in the way of forms": PASSWORD.replace("/", "%2F").replace("+", "%2b"),
    "as %u0041": _percent(PASSWORD, "%u{:04X}"),
    "base64": base64.b64encode(PASSWORD.encode()).decode(),
    "base64 without padding": base64.b64encode(PASSWORD.encode()).decode().rstrip("="),
    "base64, safe for URLs": base64.urlsafe_b64encode(b"??>>" + PASSWORD.encode()).decode(),
    "base64 of user and password": f"Basic {_PAIR}",
    "base64 of user and password, in lines": "\n".join(_PAIR[i : i + 7] for i in range(0, 50, 7)),
    "base64 of user and password, percent-encoded": _percent(_PAIR),
    "base64 twice": base64.b64encode(_PAIR.encode()).decode(),
    "base64 of UTF-16": base64.b64encode(PASSWORD.encode("utf-16")).decode(),
    "base32": base64.b32encode(PASSWORD.encode()).decode(),
    "hex": _HEX,
    "hex in upper case": _HEX.upper(),
    "hex with colons": ":".join(_HEX[i : i + 2] for i in range(0, len(_HEX), 2)),
    "hex as a list in C": _join_codes("0x{:02x}", ", "),
    "hex of the pair's base64": _PAIR.encode().hex(),
    "JSON with \\u0041": _percent(PASSWORD, "\\u{:04x}"),
    "JSON in JSON": json.dumps(_percent(PASSWORD, "\\u{:04X}")),
    "\\x41": _percent(PASSWORD, "\\x{:02x}"),
    "octal escapes": _percent(PASSWORD, "\\{:03o}"),
    "octal numbers": _join_codes("{:o}"),
    "decimal numbers": _join_codes("{}", ","),
    "binary numbers": _join_codes("{:08b}"),
    "decimal references of HTML": _percent(PASSWORD, "&#{};"),
    "hex references of HTML": _percent(PASSWORD, "&#x{:X};"),
    "references of HTML, twice": _percent(PASSWORD, "&amp;#{};"),
    "named references of HTML": PASSWORD.replace("/", "&sol;").replace("&", "&amp;"),
    "quoted-printable": quopri.encodestring(PASSWORD.encode()).decode(),
    "quoted-printable throughout": _percent(PASSWORD, "={:02X}"),
    "UTF-7": "".join(f"+{base64.b64encode(c.encode('utf-16-be')).decode()[:3]}-" for c in PASSWORD),
    "UTF-16 with NULs": PASSWORD.encode("utf-16-le").decode("latin-1"),
    "UTF-16 taken for text": PASSWORD.encode().decode("utf-16-le"),
    "wide letters that were misread": "".join(chr(ord(c) + 0xFEE0) for c in PASSWORD)
    .encode()
    .decode("latin-1"),
    "backwards": PASSWORD[::-1],
    "letter by letter": " ".join(PASSWORD),
    "with dashes": "-".join(PASSWORD),
    "over two lines": f"{PASSWORD[:9]}\r\n{PASSWORD[9:]}",
    "with zero-width spaces": "\u200b".join(PASSWORD),
    "in tags": "</b><b>".join(PASSWORD),
    "in wide letters": "".join(chr(ord(c) + 0xFEE0) for c in PASSWORD),
    "among other letters": "".join(f"{c}x" for c in PASSWORD if c.isalnum()),
    "rot13": codecs.encode(PASSWORD, "rot13"),
    "with quotes within": f"“{PASSWORD[:6]}”„{PASSWORD[6:]}“",
    "its first half": PASSWORD[: _HALF + 3],
    "its second half": PASSWORD[_HALF - 3 :],
    "in two halves, the second one first": f"{PASSWORD[_HALF:]} follows {PASSWORD[:_HALF]}",
}
