"""From what a cell shows to the address that its frame loads, as a browser works it out.

TensorBoard shows its frame in one of four ways: an `<iframe>` with its address (1.13, 1.14), a
script that takes the page's address with another port (1.15 to 2.2), one that may also be given an
address (from 2.3 on), and our patch's, which is given one. Anything else is no frame we know.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple

from ada_url import URL

from builder.smoke.model import ProbeFailure

if TYPE_CHECKING:
    from builder.smoke.jupyter.messages import Bundle, Execution

_TEXT = r'"(?:[^"\\]|\\.)*"'
_BLANK = re.compile(rf"({_TEXT})|\s+")  # a text keeps its own
_FRAME = rf"const frame = document.getElementById\((?P<id>{_TEXT})\);"
_URL = rf"new URL\((?P<url>{_TEXT}), window.location\);"
_SET = r" if \(port\) { url.port = port; }"
_SCRIPTS = (
    rf"frame.src = {_URL}",
    rf"const url = {_URL} url.port = (?P<port>\d+); frame.src = url;",
    rf"const url = {_URL} const port = (?P<port>\d+);{_SET} frame.src = url;",
)


class Frame(NamedTuple):
    """A frame below a cell.

    Attributes:
        address: what it loads, absolute.
        height: in pixels.
    """

    address: str
    height: int


def frames(done: Execution, page: str) -> tuple[Frame, ...]:
    """All frames below a cell that has run.

    Args:
        done: the cell.
        page: the address of the notebook's page.

    Raises:
        ProbeFailure: there is HTML that is no frame we know.
    """
    return tuple(_frame(bundle, page) for bundle in done.shown if "<iframe" in _html(bundle))


def one_frame(done: Execution, page: str) -> Frame:
    """The frame below a cell.

    Raises:
        ProbeFailure: there is none, or more than one; what is there instead is told.
    """
    found = frames(done, page)
    if len(found) != 1:
        shown = filter(None, (*map(_text, done.shown), done.error))
        said = "\n".join(shown) or "nothing"
        raise ProbeFailure(f"{len(found)} frames below the cell, which shows: {said}")
    return found[0]


def texts(done: Execution) -> tuple[str, ...]:
    """The displays of a cell that are no frames, as plain text."""
    return tuple(_text(bundle) for bundle in done.shown if "<iframe" not in _html(bundle))


def evaluate(html: str, page: str) -> Frame:
    """What a browser makes of the HTML on that page.

    Raises:
        ProbeFailure: it is no frame we know.
    """
    parts = _Parts(html)
    if parts.tags == ["iframe"] and not parts.script.strip():
        source = parts.attributes.get("src") or ""
        return Frame(_join(source, page).href, _height(parts))
    script = _BLANK.sub(lambda found: found[1] or " ", parts.script).strip()
    match = _match(script)
    if parts.tags != ["iframe", "script"] or match is None:
        raise ProbeFailure(f"the HTML below the cell is no frame we know: {html[:300]}")
    if json.loads(match["id"]) != parts.attributes.get("id"):
        raise ProbeFailure(f"the script looks for {match['id']}, which is not the frame")
    url = _join(json.loads(match["url"]), page)
    port = int(match.groupdict().get("port") or 0)
    if port:
        url.port = str(port)
    return Frame(url.href, _height(parts))


class _Parts(HTMLParser):
    """The elements of the HTML, as a browser's parser tells them apart."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.script = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "iframe":
            self.attributes = dict(attrs)

    def handle_data(self, data: str) -> None:
        self.script += data


def _frame(bundle: Bundle, page: str) -> Frame:
    return evaluate(_html(bundle), page)


def _html(bundle: Bundle) -> str:
    return str(bundle.get("text/html", ""))


def _text(bundle: Bundle) -> str:
    return str(bundle.get("text/plain", ""))


def _height(parts: _Parts) -> int:
    height = parts.attributes.get("height") or ""
    if not height.isascii() or not height.isdigit():
        raise ProbeFailure(f"the frame's height is {height!r}")
    return int(height)


def _match(script: str) -> re.Match[str] | None:
    for body in _SCRIPTS:
        match = re.fullmatch(rf"\(function\(\) {{ {_FRAME} {body} }}\)\(\);", script)
        if match is not None:
            return match
    return None


def _join(address: str, page: str) -> URL:
    try:
        return URL(address, page)
    except ValueError as error:
        raise ProbeFailure(f"a browser refuses the frame's address {address!r}") from error
