"""Compute the address that the frame below a cell loads, as a browser does.

TensorBoard shows its frame in one of four ways: an `<iframe>` with its address (1.13, 1.14), a
script that takes the page's address with another port (1.15 to 2.2), one that may also be given an
address (from 2.3 on), and our patch's, which is given one. Anything else is an unknown frame.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple

from ada_url import URL

from builder.smoke.model import ProbeFailure

if TYPE_CHECKING:
    from builder.smoke.jupyter.messages import CellExecution, MimeBundle

_TEXT = r'"(?:[^"\\]|\\.)*"'
_BLANK = re.compile(rf"({_TEXT})|\s+")  # blanks in a string literal are kept
_FRAME = rf"const frame = document.getElementById\((?P<id>{_TEXT})\);"
_URL = rf"new URL\((?P<url>{_TEXT}), window.location\);"
_SET = r" if \(port\) { url.port = port; }"
_SCRIPTS = (
    rf"frame.src = {_URL}",
    rf"const url = {_URL} url.port = (?P<port>\d+); frame.src = url;",
    rf"const url = {_URL} const port = (?P<port>\d+);{_SET} frame.src = url;",
)


class CellFrame(NamedTuple):
    """A frame below a cell.

    Attributes:
        address: the absolute address that it loads.
        height: in pixels.
    """

    address: str
    height: int


def list_frames(execution: CellExecution, page: str) -> tuple[CellFrame, ...]:
    """List all frames below a cell that has run.

    Args:
        execution: the cell that has run.
        page: the address of the notebook's page.

    Raises:
        ProbeFailure: there is HTML with an unknown frame.
    """
    return tuple(
        _parse_bundle(bundle, page)
        for bundle in execution.displays
        if "<iframe" in _get_html(bundle)
    )


def expect_one_frame(execution: CellExecution, page: str) -> CellFrame:
    """Return the frame below a cell.

    Raises:
        ProbeFailure: there is none, or more than one; the text says what the cell shows.
    """
    found = list_frames(execution, page)
    if len(found) != 1:
        shown = filter(None, (*map(_get_plain_text, execution.displays), execution.error))
        text = "\n".join(shown) or "nothing"
        raise ProbeFailure(f"{len(found)} frames below the cell, which shows: {text}")
    return found[0]


def list_plain_texts(execution: CellExecution) -> tuple[str, ...]:
    """List the displays of a cell that are not frames, as plain text."""
    return tuple(
        _get_plain_text(bundle)
        for bundle in execution.displays
        if "<iframe" not in _get_html(bundle)
    )


def parse_frame_html(html: str, page: str) -> CellFrame:
    """Parse the HTML of a frame on a page, as a browser does.

    Raises:
        ProbeFailure: it is an unknown frame.
    """
    parts = _FrameHTMLParser(html)
    if parts.tags == ["iframe"] and not parts.script.strip():
        source = parts.attributes.get("src") or ""
        return CellFrame(_join_url(source, page).href, _parse_height(parts))
    script = _BLANK.sub(lambda found: found[1] or " ", parts.script).strip()
    match = _match_script(script)
    if parts.tags != ["iframe", "script"] or match is None:
        raise ProbeFailure(f"the HTML below the cell is no frame we know: {html[:300]}")
    if json.loads(match["id"]) != parts.attributes.get("id"):
        raise ProbeFailure(f"the script looks for {match['id']}, which is not the frame")
    url = _join_url(json.loads(match["url"]), page)
    port = int(match.groupdict().get("port") or 0)
    if port:
        url.port = str(port)
    return CellFrame(url.href, _parse_height(parts))


class _FrameHTMLParser(HTMLParser):
    """Collects the elements of the HTML, as a browser's parser splits it."""

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


def _parse_bundle(bundle: MimeBundle, page: str) -> CellFrame:
    return parse_frame_html(_get_html(bundle), page)


def _get_html(bundle: MimeBundle) -> str:
    return str(bundle.get("text/html", ""))


def _get_plain_text(bundle: MimeBundle) -> str:
    return str(bundle.get("text/plain", ""))


def _parse_height(parts: _FrameHTMLParser) -> int:
    height = parts.attributes.get("height") or ""
    if not height.isascii() or not height.isdigit():
        raise ProbeFailure(f"the frame's height is {height!r}")
    return int(height)


def _match_script(script: str) -> re.Match[str] | None:
    for body in _SCRIPTS:
        match = re.fullmatch(rf"\(function\(\) {{ {_FRAME} {body} }}\)\(\);", script)
        if match is not None:
            return match
    return None


def _join_url(address: str, page: str) -> URL:
    try:
        return URL(address, page)
    except ValueError as error:
        raise ProbeFailure(f"a browser refuses the frame's address {address!r}") from error
