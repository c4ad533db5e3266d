"""`TENSORBOARD_PROXY_URL` behaves as docs/proxy-url.md says, in every release's real notebook.py.

Each release's patched file is executed in a process of its own, with the release's real package and
real IPython; what IPython published is compared with the table of the document.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support import needs
from tests.support.notebooks import HEIGHT, PORT, SEED, VARIABLE, VERSIONS, Frame, ask_notebooks
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT = ROOT / "docs" / "proxy-url.md"

NEEDS_CGI = [v for v in VERSIONS if v.startswith(("1.15.", "2.0.", "2.1."))]


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
    answers = ask_notebooks(version, python, calls, home)
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
    (answer,) = ask_notebooks("2.1.1", python37, [{**call, "module": "stock"}], tmp_path)
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
