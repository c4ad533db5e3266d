"""Make text from elsewhere plain: it controls no terminal, and commands no CI runner. Pure.

The runner of GitHub Actions takes a line for a command that begins with `::` after blanks, and
whatever begins with `##[` anywhere in a line (its `ActionCommand.TryParseV2` and `TryParse`); that
of Azure Pipelines has `##vso[`.
"""

from __future__ import annotations

import re

_COMMAND_START = re.compile(r"^(\s*):(?=:)")
_COMMAND_WITHIN = re.compile(r"##(?=[A-Za-z]*\[)")
# What `str.isprintable` takes for visible, and Unicode for ignorable by default: fillers, and
# selectors of variants.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def escape_line(text: str) -> str:
    r"""Make a text one plain line: line ends become `\n`, an escape `\x1b`; no command is left."""
    return disarm_commands(escape_characters(text))


def escape_lines(text: str) -> str:
    """Make each line of a text plain, as `escape_line` does; only its line feeds are line ends."""
    return "\n".join(map(escape_line, text.split("\n")))


def escape_characters(text: str, kept: str = "") -> str:
    """Escape what is not visible, or changes the order of what is: controls, bidi, zero width.

    Args:
        text: any text.
        kept: characters that are left as they are.
    """
    if text.isprintable() and text.isascii():
        return text
    return "".join(
        c if (c.isprintable() and not _INVISIBLE.match(c)) or c in kept else _escape_character(c)
        for c in text
    )


def disarm_commands(line: str) -> str:
    """Put a blank into what a runner takes for a command: `: :warning::`, `# #[error]`."""
    return _COMMAND_WITHIN.sub("# #", _COMMAND_START.sub(r"\1: ", line))


def disarm_json(document: str) -> str:
    r"""Write what a runner takes for a command within a line in another way of JSON: `#\u0023[`."""
    return _COMMAND_WITHIN.sub(r"#\\u0023", document)


def _escape_character(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
