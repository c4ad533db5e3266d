"""Parse METADATA and WHEEL, and edit their header blocks line by line.

An e-mail parser and generator would lose descriptions and folding, so only the lines that must
change are edited. Format: core metadata specification. Headers are in RFC 822 style, folded lines
begin with a space or tab, and the first empty line begins the description.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# RFC 5322 2.2: printable ASCII characters except the colon.
_HEADER_NAME = re.compile(rb"[!-9;-~]+(?=:)")
_UNSAFE_VALUE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


class Header(NamedTuple):
    """One header: its name as written, and its lines with their line endings."""

    name: str
    raw: bytes

    @property
    def value(self) -> str:
        """The value, unfolded, without surrounding whitespace."""
        text = self.raw.partition(b":")[2].decode(errors="replace")
        return re.sub(r"\r?\n[ \t]+", " ", text).strip()


class MetadataDocument(NamedTuple):
    """A header block, and the bytes after it (with the empty line in front, if there is one)."""

    headers: tuple[Header, ...]
    rest: bytes

    def get_values(self, name: str) -> list[str]:
        """Get the values of all headers with that name; case does not matter."""
        return [h.value for h in self.headers if h.name.lower() == name.lower()]

    @property
    def description(self) -> str:
        """The text after the empty line."""
        return re.sub(rb"\A(?:\r\n|\n)", b"", self.rest).decode(errors="replace")

    def to_bytes(self) -> bytes:
        """Serialize the document; headers that were not edited keep their bytes."""
        return b"".join(h.raw for h in self.headers) + self.rest


def parse_metadata(content: bytes) -> MetadataDocument:
    """Split a file into headers and description; the pieces joined again are the same bytes.

    A line that is neither a header nor a continuation ends the block, as in e-mail parsers; the
    checks M403 and W505 report it.
    """
    names: list[str] = []
    folded: list[list[bytes]] = []
    position = 0
    for line in _split_lines(content):
        match = _HEADER_NAME.match(line)
        if match:
            names.append(match.group().decode())
            folded.append([line])
        elif folded and line[:1] in (b" ", b"\t"):
            folded[-1].append(line)
        else:
            break
        position += len(line)
    headers = tuple(Header(n, b"".join(lines)) for n, lines in zip(names, folded, strict=True))
    return MetadataDocument(headers, content[position:])


def replace_header(document: MetadataDocument, name: str, value: str) -> MetadataDocument:
    """Set a header's value in place, or add the header at the end of the block.

    Further headers with the same name are removed.

    Raises:
        ValueError: the value has control characters or line separators (header injection).
    """
    if _UNSAFE_VALUE.search(value):
        raise ValueError(f"{name} cannot hold control characters: {value!r}")
    new = Header(name, f"{name}: {value}".encode() + detect_line_end(document))
    headers = list(document.headers)
    places = [i for i, h in enumerate(headers) if h.name.lower() == name.lower()]
    if places:
        headers[places[0]] = new
        for extra in reversed(places[1:]):
            del headers[extra]
    else:
        headers.append(new)
    return document._replace(headers=tuple(headers))


def append_description(document: MetadataDocument, paragraph: str) -> MetadataDocument:
    """Append a paragraph to the description; the existing text keeps its bytes."""
    end = detect_line_end(document)
    rest = document.rest or end
    if not rest.endswith(b"\n"):
        rest += end
    # An empty line separates paragraphs, unless the upstream text already ends with one or more.
    gap = b"" if re.search(rb"(\A|\n)\r?\n\Z", rest) else end
    return document._replace(rest=rest + gap + paragraph.encode().replace(b"\n", end) + end)


def detect_line_end(document: MetadataDocument) -> bytes:
    """Detect the document's line ending, by its first header."""
    return b"\r\n" if document.headers and document.headers[0].raw.endswith(b"\r\n") else b"\n"


def _split_lines(content: bytes) -> list[bytes]:
    return re.findall(rb"[^\n]*\n|[^\n]+\Z", content)
