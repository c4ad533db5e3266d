r"""Double backslashes that begin no escape sequence.

Python reads `"\s"` as a backslash and an `s`. Since 3.12 it prints a SyntaxWarning when it compiles
such a module, that is, on the terminal of every user who starts TensorBoard before the installed
files are compiled. It is to become an error.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize

from builder.patching.codemods.errors import CodemodError
from builder.patching.codemods.source import SourceEdit, SourceModule
from builder.system.warning_filters import record_warnings

_LITERAL = re.compile(r"(?P<prefix>[A-Za-z]*)(?P<quote>'''|\"\"\"|'|\")")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_KNOWN = "\n\r\\'\"abfnrtvx01234567"


def fix_string_escapes(source: bytes) -> bytes:
    """Double the backslashes that start no escape sequence; every string keeps its value.

    Precondition: the source is UTF-8 and has no f-strings; upstream's modules with such
    backslashes are older than f-strings.

    Raises:
        CodemodError: the source is not UTF-8, or has f-strings.
    """
    if b"\\" not in source:
        return source
    module = SourceModule(source)
    if not _has_invalid_escape(source):
        return source
    edits = []
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type == tokenize.ENCODING and token.string != "utf-8":
            raise CodemodError(f"the source is {token.string}, not UTF-8")
        if token.type not in (tokenize.STRING, getattr(tokenize, "FSTRING_START", -1)):
            continue
        edits += _double_backslashes(module, token)
    return module.apply_with_notice("backslashes that start no escape sequence are doubled", edits)


def _has_invalid_escape(source: bytes) -> bool:
    """Whether Python itself warns of an invalid escape sequence."""
    with record_warnings() as caught:
        ast.parse(source)
    return any("invalid escape" in str(warning.message) for warning in caught)


def _double_backslashes(module: SourceModule, token: tokenize.TokenInfo) -> list[SourceEdit]:
    match = _LITERAL.match(token.string)
    prefix = match["prefix"].lower() if match else ""
    if "f" in prefix:
        raise CodemodError(f"line {token.start[0]}: an f-string")
    if "r" in prefix:
        return []
    known = _KNOWN if "b" in prefix else _KNOWN + "NuU"
    start = module.find_line_start(token.start[0]) + len(token.line[: token.start[1]].encode())
    return [
        SourceEdit(offset, offset, b"\\")
        for escape in _ESCAPE.finditer(token.string)
        if escape[1] not in known
        for offset in [start + len(token.string[: escape.start()].encode())]
    ]
