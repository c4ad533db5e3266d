"""`TENSORBOARD_PROXY_URL` behaves as docs/proxy-url.md says, in every release's real notebook.py.

Each release's patched file is executed in a process of its own, with the release's real package and
real IPython; what IPython published is compared with the table of the document.
"""

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
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.patching.delta import make_delta
from builder.patching.series import load_series
from builder.wheel import archive
from tests.support import needs
from tests.support.releases import CATALOG, ROOT, stock_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DRIVER = Path(__file__).parent.joinpath("support/notebook_driver.py")
DOCUMENT = ROOT / "docs" / "proxy-url.md"
VARIABLE = "TENSORBOARD_PROXY_URL"
PORT, HEIGHT, SEED = 6006, 321, 7
VERSIONS = CATALOG.versions
NEEDS_CGI = [v for v in VERSIONS if v.startswith(("1.15.", "2.0.", "2.1."))]
HELPERS = ("_PROXY_AUTHORITY", "_get_proxy_url", "_find_proxy_url_problem")
FRAME = "_proxied_frame"


# Where stock and patched files come from.


def stock_wheel(version: str) -> Path:
    """The release's stock wheel, the one for Python 3 where there are two."""
    found = CATALOG.find_release(version)
    assert found is not None, version
    return stock_path(found.wheel)


@functools.cache
def stock_notebook(version: str) -> bytes:
    """The stock wheel's notebook.py."""
    with zipfile.ZipFile(stock_wheel(version)) as wheel:
        return wheel.read("tensorboard/notebook.py")


@functools.cache
def patched_notebook(version: str) -> bytes:
    """The same after the series that speak for this release."""
    found = CATALOG.find_release(version)
    assert found is not None, version
    series = [load_series(ROOT / "patches" / name) for name in ("proxy", "proxy-hardening")]
    stock = archive.parse_archive(stock_wheel(version).read_bytes(), version)
    return make_delta(found, stock, series).changes["tensorboard/notebook.py"].after


# What is expected.


class Case(NamedTuple):
    """A value of the variable (None: unset) and the URL that the frame loads (None: as unset)."""

    value: str | None
    url: str | None = None
    warning: bool = False


def documented_cases() -> Iterator[Case]:
    """The rows of the document's table that have an outcome."""
    table = DOCUMENT.read_text(encoding="utf-8").split("## ")[1]
    for row in re.findall(r"^\|(.*)\|$", table, re.MULTILINE)[2:]:
        _, value, outcome = (cell.strip() for cell in row.split("|"))
        yield Case(
            json.loads(value.strip("`")) if value else None,
            json.loads(outcome.strip("`")) if outcome.startswith("`") else None,
            outcome == "as unset, and a warning",
        )


CASES = [
    *documented_cases(),
    # Where the slash goes.
    Case(".", "./"),
    Case("..?a", "../?a"),
    Case("#", "/#"),
    Case("/a?b=https://c", "/a/?b=https://c"),
    Case("http://h", "http://h/"),
    Case("//h?x", "//h/?x"),
    Case("/a\\?b\\c", "/a/?b\\c"),
    # Placeholders of the templates, of formats and of other letter case are nothing special.
    Case("/%URL%%JSON_URL%%HTML_ID%%JSON_ID%/", "/%URL%%JSON_URL%%HTML_ID%%JSON_ID%/"),
    Case("/%port%/%%PORT%/%d/{}/{port}/$&/\\u003c", "/%port%/%6006/%d/{}/{port}/$&//u003c/"),
    Case("/<!--<script>/--><b>&lt;&amp;", "/<!--<script>/--><b>&lt;&amp;/"),
    Case("/`${alert(1)}`/", "/`${alert(1)}`/"),
    Case("/\u00e9\u65e5\U0001f600\u202e\ufeff/", "/\u00e9\u65e5\U0001f600\u202e\ufeff/"),
    Case("\u00a0\u3000/a/\u2003", "/a/"),
    Case("\u00a0\x01\x1b\x85 ", None),
    # A colon is a scheme's only before the first slash, and after a letter.
    Case("/a:b", "/a:b/"),
    Case("./tb:%PORT%", "./tb:6006/"),
    Case("6006:x", "6006:x/"),
    Case("HtTpS://User:p%40w@H\u00fc:0080/x", "HtTpS://User:p%40w@H\u00fc:0080/x/"),
    Case("http://[::1]:%PORT%", "http://[::1]:6006/"),
    Case("\x01\u00a0\x02javascript:alert(1)//", None, warning=True),
    Case("JAVASCRIPT:alert(%PORT%)", None, warning=True),
    Case("data:text/html,<script>alert(1)</script>", None, warning=True),
    Case("c:\\proxy\\", None, warning=True),
    Case("http%PORT%://h/", None, warning=True),
    # What `new URL` throws on, or takes for something else than it looks.
    Case("http:", None, warning=True),
    Case("http://", None, warning=True),
    Case("http:///a/", None, warning=True),
    Case("https://[", None, warning=True),
    Case("https://[::1", None, warning=True),
    Case("https://a b/", None, warning=True),
    Case("https://a%20b/", None, warning=True),
    Case("https://h:%PORT%%PORT%/", None, warning=True),
    Case("https://h:" + "9" * 5000, None, warning=True),
    Case("https://h:8x/", None, warning=True),
    Case("https://u@/", None, warning=True),
    Case("//", None, warning=True),
    Case("\\\\", None, warning=True),
    Case("https://h/?\udcff", None, warning=True),
    Case("/" + "a" * 9000, "/" + "a" * 9000 + "/"),
    # And back again: what one display saw does not stay.
    Case(None),
]


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


# Every release.


def ask(version: str, python: list[str], calls: list[dict[str, Any]], home: Path) -> list[Any]:
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


def check_release(version: str, python: list[str], home: Path) -> None:
    """Run all cases with and without a display handle; compare with stock and with the table."""
    common = {"port": PORT, "height": HEIGHT, "seed": SEED}
    calls = [
        {
            **common,
            "module": "stock" if n == 0 else "patched",
            "value": case.value,
            "handle": handle,
        }
        for n, case in enumerate([Case(None), *CASES])
        for handle in (False, True)
    ]
    answers = ask(version, python, calls, home)
    stock, answers = answers[:2], answers[2:]
    skeletons = set()
    for n, case in enumerate(CASES):
        for handle, answer in enumerate(answers[2 * n : 2 * n + 2]):
            context = f"{case!r:.200}, {'with' if handle else 'without'} a handle"
            check_stderr(case, answer["stderr"], context)
            if case.url is None:
                expected = {**stock[handle], "stderr": answer["stderr"]}
                assert answer == expected, context
                continue
            assert answer["error"] is None, context
            (output,) = answer["outputs"]
            assert output["update"] is bool(handle), context
            assert (output["transient"] or {}) == ({"display_id": "frame"} if handle else {}), (
                context
            )
            frame = Frame(output["data"]["text/html"])
            assert frame.url == case.url, context
            check_frame_size(frame)
            skeletons.add(frame.skeleton)
    (skeleton,) = skeletons
    assert "url.port" not in skeleton or "const port = 0;" in skeleton


def check_stderr(case: Case, stderr: str, context: str) -> None:
    """One line for a refused value, without the value; else nothing."""
    if not case.warning:
        assert stderr == "", context
        return
    assert re.fullmatch(rf"WARNING: {VARIABLE} is ignored: [^\n]+\.\n", stderr), context
    scheme, _, rest = (case.value or "").partition(":")
    assert len(rest.strip()) < 3 or rest not in stderr, context
    assert len(stderr) < 130 + len(scheme), context


def check_frame_size(frame: Frame) -> None:
    """The frame has upstream's attributes, and the height that was asked for."""
    attributes = dict(frame.attributes)
    assert re.fullmatch(r"tensorboard-frame-[0-9a-f]{8,16}", attributes.pop("id") or "")
    assert attributes == {"width": "100%", "height": str(HEIGHT), "frameborder": "0"}


@pytest.mark.parametrize("version", VERSIONS)
def test_table_holds_for(version: str, tmp_path: Path) -> None:
    """Every row of the document, and some nastier values, in this release's own file."""
    if version in NEEDS_CGI and sys.version_info >= (3, 13):
        pytest.skip("this release imports cgi, which Python 3.13 no longer has")
    check_release(version, [sys.executable], tmp_path)


@pytest.fixture(scope="session")
def python37() -> list[str]:
    """A CPython 3.7 with IPython: the last one on which the stock frame with cgi.escape works."""
    command = ["-m", "uv", "run", "--quiet", "--no-project", "--python", str(needs.python("3.7"))]
    python = [sys.executable, *command, "--with", "ipython", "--with", "six", "python"]
    subprocess.run([*python, "-I", "-c", "import IPython, six"], check=True)
    return python


@pytest.mark.parametrize("version", NEEDS_CGI)
def test_table_holds_where_cgi_escape_works(
    version: str, python37: list[str], tmp_path: Path
) -> None:
    """The releases whose stock frame fails on today's Pythons, on one where it does not."""
    check_release(version, python37, tmp_path)


def test_stock_frame_works_on_python_37(python37: list[str], tmp_path: Path) -> None:
    """Positive control: there, stock has a frame to compare with and no error."""
    call = {"port": PORT, "height": HEIGHT, "seed": SEED, "value": None, "handle": False}
    (answer,) = ask("2.1.1", python37, [{**call, "module": "stock"}], tmp_path)
    assert answer["error"] is None
    assert f"url.port = {PORT};" in answer["outputs"][0]["data"]["text/html"]


def test_document_has_its_rows() -> None:
    """Positive control: the table is found, with every kind of outcome in it."""
    cases = list(documented_cases())
    assert len(cases) >= 20
    assert Case(None) in cases
    assert Case("") in cases
    assert any(c.url for c in cases)
    assert any(c.warning for c in cases)


# What the patches change, and what they leave.


def parts(source: bytes) -> dict[str, str]:
    """The file's top-level statements by name, as trees, without regard to indentation in texts."""
    found = {}
    for node in ast.parse(source).body:
        for text in ast.walk(node):
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                text.value = "\n".join(line.strip() for line in text.value.split("\n"))
        found[_name(node)] = ast.dump(node)
    return found


def _name(node: ast.stmt) -> str:
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0])
    return getattr(node, "name", "") or ast.unparse(node)


@pytest.mark.parametrize("version", VERSIONS)
def test_same_helpers_and_nothing_else(version: str) -> None:
    """The helpers are the same everywhere; but for them, imports and the display all is stock."""
    stock, patched = parts(stock_notebook(version)), parts(patched_notebook(version))
    reference = parts(patched_notebook("2.2.1"))
    native = VERSIONS.index(version) >= VERSIONS.index("2.3.0")
    ours = HELPERS if native else (*HELPERS, FRAME)
    assert {name: patched.get(name) for name in ours} == {name: reference[name] for name in ours}
    changed = {name for name in patched if patched[name] != stock.get(name)} - set(ours)
    imports = {f"import {name}" for name in ("json", "os", "random", "re", "sys")}
    assert changed - imports == {"_display_ipython"}
    assert set(stock) <= set(patched)


@pytest.mark.parametrize("version", VERSIONS)
def test_change_notice_follows_the_licence(version: str) -> None:
    """Apache-2.0 §4(b): the licence header stays, and a notice right after it says what changed."""
    licence, patched = stock_notebook(version).splitlines()[:13], patched_notebook(version)
    assert licence[-1].startswith(b"# ====")
    lines = patched.splitlines()
    assert lines[:13] == licence
    assert lines[13].startswith(b"# Modified by the tensorboard-proxy-wheels project: ")
    assert lines[15].startswith(b'"""')


# Any value at all, on the helpers alone.


class Helpers(NamedTuple):
    """The helper block of a patched file, executed: environment in, URL or None out."""

    get_proxy_url: Callable[[int], str | None]
    proxied_frame: Callable[[str, int], str]


@functools.cache
def helpers() -> Helpers:
    """The helpers of 2.2.1, which are those of every release (tested above)."""
    tree = ast.parse(patched_notebook("2.2.1"))
    tree.body = [node for node in tree.body if _name(node) in (*HELPERS, FRAME)]
    space: dict[str, Any] = {"json": json, "os": os, "random": random, "re": re, "sys": sys}
    exec(compile(tree, "notebook.py", "exec"), space)  # noqa: S102 - running it is the point
    return Helpers(space["_get_proxy_url"], space[FRAME])


def get(value: str) -> tuple[str | None, str]:
    """Set the variable and ask for the URL; gives that and what went to stderr."""
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


@given(VALUES)
def test_no_value_raises(value: str) -> None:
    """The outcome is a URL in silence, None in silence for a blank, or None and one line."""
    url, stderr = get(value)
    blank = not re.sub(r"[\x00-\x1f]", "", value).strip()
    if url is not None or blank:
        assert stderr == ""
        assert (url is None) == blank
    else:
        assert re.fullmatch(r"WARNING: [ -~]+\n", stderr)


@given(VALUES)
def test_path_ends_in_a_slash(value: str) -> None:
    """Of every URL, once: what comes out goes through unchanged, and holds no %PORT%."""
    url, _ = get(value)
    if url is not None:
        assert re.split(r"[?#]", url)[0].endswith("/")
        assert "%PORT%" not in url
        assert get(url) == (url, "")


@given(VALUES)
def test_literal_is_inert(value: str) -> None:
    """The page's parser finds one frame and one script, JavaScript's the URL as it is."""
    url, _ = get(value)
    if url is not None:
        html = helpers().proxied_frame(url, HEIGHT)
        assert Frame(html).url == url
        assert html.isascii()
        assert html.count("<") == 4  # of the two elements


@given(VALUES)
def test_browsers_see_what_was_checked(value: str) -> None:
    """By the URL standard's own parser: http or https only, and a path stays on the page's host."""
    ada = pytest.importorskip("ada_url")
    url, _ = get(value)
    if url is None:
        return
    page = "https://hub.example:8000/user/ada/lab/tree/a.ipynb"
    try:
        seen = ada.URL(url, page)
    except ValueError:
        # Only for hosts that need a browser's Unicode tables to be refused.
        assert re.match(r"(?i:https?:)?//", url)
        assert not url.split("/")[2].isascii()
        return
    assert seen.protocol in ("http:", "https:")
    assert seen.pathname.endswith("/")
    if not re.match(r"(?i:https?:)?//", url):
        assert seen.origin == "https://hub.example:8000"


def test_warning_holds_no_secret() -> None:
    """Neither the password nor the token of a refused URL reaches the notebook."""
    url, stderr = get("https://ada:hunter2@hub.example:99999/?token=abc123")
    assert url is None
    assert "host or port" in stderr
    assert not re.search("ada|hunter2|token|abc123|hub", stderr)
