"""notebook.py of every release, stock and patched, and what a frame of it is."""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import json
import os
import random
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from hypothesis import strategies as st

from builder.patching.delta import make_delta
from builder.patching.series import load_series
from builder.wheel import archive
from tests.support.releases import CATALOG, ROOT, stock_path

if TYPE_CHECKING:
    from collections.abc import Callable

DRIVER = Path(__file__).with_name("notebook_driver.py")

VARIABLE = "TENSORBOARD_PROXY_URL"
PORT, HEIGHT, SEED = 6006, 321, 7
VERSIONS = CATALOG.versions

HELPERS = ("_PROXY_AUTHORITY", "_get_proxy_url", "_find_proxy_url_problem")
FRAME = "_proxied_frame"


def stock_wheel(version: str) -> Path:
    """The release's stock wheel, the one for Python 3 where there are two."""
    found = CATALOG.find_release(version)
    assert found is not None, version
    return stock_path(found.wheel)


@functools.cache
def patched_notebook(version: str) -> bytes:
    """The same after the series that speak for this release."""
    found = CATALOG.find_release(version)
    assert found is not None, version
    series = [load_series(ROOT / "patches" / name) for name in ("proxy", "proxy-hardening")]
    stock = archive.parse_archive(stock_wheel(version).read_bytes(), version)
    return make_delta(found, stock, series).changes["tensorboard/notebook.py"].after


class Frame(HTMLParser):
    """Displayed HTML as a browser reads it: one frame, then one script that gives it its URL.

    Attributes:
        attributes: of the iframe.
        url: the text of the JavaScript literal handed to `new URL`.
        skeleton: the script without that literal.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self._tags: list[str] = []
        self._text: dict[str, str] = {}
        self.attributes: dict[str, str | None] = {}
        self.feed(html)
        self.close()
        assert self._tags == ["iframe", "/iframe", "script", "/script"], html
        assert set(self._text) == {"script"}, "text outside the script"
        script = self._text["script"]
        before, opening, rest = script.partition("new URL(")
        self.url, end = json.JSONDecoder().raw_decode(rest)
        self.skeleton = before + opening + rest[end:]
        assert rest[end:].startswith(", window.location)"), script
        assert f"getElementById({json.dumps(self.attributes['id'])})" in before, script

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, and the frame's attributes."""
        self._tags.append(tag)
        if tag == "iframe":
            self.attributes = dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        """Note the end."""
        self._tags.append("/" + tag)

    def handle_data(self, data: str) -> None:
        """Keep text by the tag that it follows."""
        where = self._tags[-1] if self._tags else ""
        if data.strip():
            self._text[where] = self._text.get(where, "") + data

    def handle_comment(self, data: str) -> None:
        """Refuse a comment, which could hide the rest of the page."""
        raise AssertionError(f"a comment: {data}")


def ask_notebooks(
    version: str, python: list[str], calls: list[dict[str, Any]], home: Path
) -> list[Any]:
    """Have the driver make the calls in a new process of that Python."""
    request = {
        "wheel": str(stock_wheel(version)),
        "patched": patched_notebook(version).decode(),
        "calls": calls,
    }
    process = subprocess.run(
        [*python, "-I", "-B", "-X", "utf8", str(DRIVER)],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "IPYTHONDIR": str(home)},
    )
    assert process.returncode == 0, process.stderr
    # Addresses in IPython's fallback texts, as in "<IPython.lib.display.IFrame at 0x7f…>".
    return cast("list[Any]", json.loads(re.sub(r" at 0x[0-9a-f]+", "", process.stdout)))


def get_statement_name(node: ast.stmt) -> str:
    """What a top-level statement defines, or its text."""
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0])
    return getattr(node, "name", "") or ast.unparse(node)


class Helpers(NamedTuple):
    """The helper block of a patched file, executed: environment in, URL or None out."""

    get_proxy_url: Callable[[int], str | None]
    proxied_frame: Callable[[str, int], str]


@functools.cache
def helpers() -> Helpers:
    """The helpers of 2.2.1, which are those of every release (tested above)."""
    tree = ast.parse(patched_notebook("2.2.1"))
    tree.body = [node for node in tree.body if get_statement_name(node) in (*HELPERS, FRAME)]
    space: dict[str, Any] = {"json": json, "os": os, "random": random, "re": re, "sys": sys}
    exec(compile(tree, "notebook.py", "exec"), space)  # noqa: S102 - running it is the point
    return Helpers(space["_get_proxy_url"], space[FRAME])


def get_proxy_url(value: str) -> tuple[str | None, str]:
    """Set the variable and ask_notebooks for the URL; gives that and what went to stderr."""
    before = os.environ.get(VARIABLE)
    stderr = io.StringIO()
    os.environ[VARIABLE] = value
    try:
        with contextlib.redirect_stderr(stderr):
            return helpers().get_proxy_url(PORT), stderr.getvalue()
    finally:
        del os.environ[VARIABLE]
        if before is not None:
            os.environ[VARIABLE] = before


PIECES = (
    *(
        "http:",
        "https:",
        "HTTP:",
        "javascript:",
        "localhost",
        "hub.example",
        "[::1]",
        "u:p@",
        "\u00fc",
    ),
    *("/", "//", "\\", "?", "#", ":", "@", "[", "]", "%", "%PORT%", ":99999", ":80", "..", "proxy"),
    *(" ", "\t", "\n", "\x01", "\u00a0", "\u2028", "<", "</script>", "<!--", "'", '"', "\udce9"),
)
# Whatever an environment can hold, which is any bytes but NUL; and what looks more like a URL.
VALUES = st.binary(max_size=60).map(lambda b: os.fsdecode(b.replace(b"\0", b"")))
VALUES |= st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
