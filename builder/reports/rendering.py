"""Render pages from the templates of this package; values are escaped, in HTML and in Markdown.

No value has a character that is not visible or changes the order of what is: see
`builder.system.plain_text`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from builder.system.plain_text import escape_characters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jinja2 import Environment

_DIRECTORY = Path(__file__).parent / "templates"


def render_template(name: str, **values: object) -> str:
    """Render a template, `NAME.html.j2` or `NAME.md.j2`.

    HTML is escaped by itself; Markdown is not, as cells may be Markdown: `escape_markdown` and
    `escape_cell` are for text from elsewhere.
    """
    return _make_environment().get_template(name).render(values)


@cache
def _make_environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(_DIRECTORY),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_escape_value,
    )


def _escape_value(value: object) -> object:
    if not isinstance(value, str):
        return value
    escaped = escape_characters(value, kept="\n\t")
    # What is escaped for HTML already stays so (`markupsafe.Markup`).
    return value if escaped == value else type(value)(escaped)


def escape_cell(text: str) -> str:
    """Escape Markdown of our own to one line that stays in its cell."""
    return " ".join(text.split()).replace("|", "\\|")


def format_code(text: str) -> str:
    """Format any text as code in a cell: one line, whatever backticks and bars it has."""
    flat = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return f"`{flat}`"


def escape_markdown(text: str) -> str:
    """Escape any text to one line that is no Markdown and no HTML."""
    flat = " ".join(text.split())
    escaped = "".join(f"\\{c}" if c in "\\`*_[]|~#" else c for c in flat)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def format_markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format a Markdown table; cells must be Markdown already."""
    return str(_make_environment().get_template("table.md.j2").module.table(head, rows))  # type: ignore[attr-defined]
