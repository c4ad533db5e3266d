"""The helpers that the patch puts into notebook.py: the same everywhere, safe with any value."""

from __future__ import annotations

import ast
import functools
import re
import zipfile

import pytest
from hypothesis import given

from tests.support.notebooks import (
    FRAME,
    HEIGHT,
    HELPERS,
    VALUES,
    VERSIONS,
    Frame,
    get_proxy_url,
    get_statement_name,
    helpers,
    patched_notebook,
    stock_wheel,
)


@functools.cache
def stock_notebook(version: str) -> bytes:
    """The stock wheel's notebook.py."""
    with zipfile.ZipFile(stock_wheel(version)) as wheel:
        return wheel.read("tensorboard/notebook.py")


def parts(source: bytes) -> dict[str, str]:
    """The file's top-level statements by name, as trees, without regard to indentation in texts."""
    found = {}
    for node in ast.parse(source).body:
        for text in ast.walk(node):
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                text.value = "\n".join(line.strip() for line in text.value.split("\n"))
        found[get_statement_name(node)] = ast.dump(node)
    return found


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


@given(VALUES)
def test_no_value_raises(value: str) -> None:
    """The outcome is a URL in silence, None in silence for a blank, or None and one line."""
    url, stderr = get_proxy_url(value)
    blank = not re.sub(r"[\x00-\x1f]", "", value).strip()
    if url is not None or blank:
        assert stderr == ""
        assert (url is None) == blank
    else:
        assert re.fullmatch(r"WARNING: [ -~]+\n", stderr)


@given(VALUES)
def test_path_ends_in_a_slash(value: str) -> None:
    """Of every URL, once: what comes out goes through unchanged, and holds no %PORT%."""
    url, _ = get_proxy_url(value)
    if url is not None:
        assert re.split(r"[?#]", url)[0].endswith("/")
        assert "%PORT%" not in url
        assert get_proxy_url(url) == (url, "")


@given(VALUES)
def test_literal_is_inert(value: str) -> None:
    """The page's parser finds one frame and one script, JavaScript's the URL as it is."""
    url, _ = get_proxy_url(value)
    if url is not None:
        html = helpers().proxied_frame(url, HEIGHT)
        assert Frame(html).url == url
        assert html.isascii()
        assert html.count("<") == 4  # of the two elements


@given(VALUES)
def test_browsers_see_what_was_checked(value: str) -> None:
    """By the URL standard's own parser: http or https only, and a path stays on the page's host."""
    ada = pytest.importorskip("ada_url")
    url, _ = get_proxy_url(value)
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
    url, stderr = get_proxy_url("https://ada:hunter2@hub.example:99999/?token=abc123")
    assert url is None
    assert "host or port" in stderr
    assert not re.search("ada|hunter2|token|abc123|hub", stderr)
