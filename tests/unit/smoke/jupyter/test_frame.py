"""The address that a frame loads is worked out as a browser does."""

from __future__ import annotations

import json
import re

import ada_url
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builder.smoke.jupyter.frame import (
    expect_one_frame,
    list_frames,
    list_plain_texts,
    parse_frame_html,
)
from builder.smoke.model import ProbeFailure
from tests.support.displays import PAGE, execution
from tests.support.notebooks import VALUES, get_proxy_url, helpers

GIVEN = """
  <iframe id="f" width="100%" height="800" frameborder="0">
  </iframe>
  <script>
    (function() {
      const frame = document.getElementById("f");
      frame.src = new URL(URL, window.location);
    })();
  </script>
"""


def shell(address: str) -> str:
    """Our patch's shell with that address."""
    return GIVEN.replace("URL, window", f"{json.dumps(address)}, window")


@given(VALUES)
@example("two  blanks/%PORT%/")
def test_addresses_are_a_browsers(value: str) -> None:
    """Of what the patch writes for any value: the address by the URL standard, or refused."""
    url, _ = get_proxy_url(value)
    if url is None:
        return
    html = helpers().proxied_frame(url, 100)
    try:
        wanted = ada_url.URL(url, PAGE).href
    except ValueError:
        with pytest.raises(ProbeFailure, match="refuses"):
            parse_frame_html(html, PAGE)
    else:
        assert parse_frame_html(html, PAGE) == (wanted, 100)


@given(st.integers(1, 65535), st.sampled_from(["http://h:8888/lab", PAGE, "https://h/x/y?z#a"]))
def test_port_replaces_the_pages_own(port: int, page: str) -> None:
    """The stock script: scheme and host of the page, that port (unless the scheme implies it)."""
    script = f'const url = new URL("/", window.location); url.port = {port}; frame.src = url;'
    html = GIVEN.replace("frame.src = new URL(URL, window.location);", script)
    parts = ada_url.URL(page)
    implied = {"http:": 80, "https:": 443}[parts.protocol] == port
    wanted = f"{parts.protocol}//{parts.hostname}{'' if implied else f':{port}'}/"
    assert parse_frame_html(html, page).address == wanted


@given(st.text(max_size=80) | st.sampled_from([GIVEN, shell("/a/")]), st.data())
def test_nothing_else_is_taken_for_a_frame(html: str, data: st.DataObject) -> None:
    """Any HTML is a frame that we know, or a failure that says so; never another exception."""
    cut = data.draw(st.integers(0, len(html)))
    put = data.draw(st.sampled_from(["", "<", "</script>", "'", "<iframe src=x>", "alert(1);"]))
    try:
        frame = parse_frame_html(html[:cut] + put + html[cut:], PAGE)
    except ProbeFailure:
        return
    assert frame.address.startswith(("http", "https"))


@pytest.mark.parametrize(
    "html",
    [
        shell("/a/").replace('getElementById("f")', 'getElementById("g")'),
        shell("/a/").replace("frame.src =", "window.src ="),
        shell("/a/") + "<script>alert(1)</script>",
        shell("/a/").replace('height="800"', 'height="100%"'),
        shell("/a/").replace("})();", "frame.src = '/b/'; })();"),
        '<iframe src="/a/"></iframe>',
    ],
)
def test_frames_that_a_browser_shows_otherwise(html: str) -> None:
    """Another element, another attribute, more script, no height: no frame that we know."""
    with pytest.raises(ProbeFailure):
        parse_frame_html(html, PAGE)


def test_updates_take_the_place() -> None:
    """`Launching…` is gone once the frame is there; reuse has a text and a frame."""
    launched = execution(
        ("display_data", {"text/plain": "Launching TensorBoard..."}, "1"),
        ("update_display_data", {"text/html": shell("/p/"), "text/plain": "x"}, "1"),
    )
    assert expect_one_frame(launched, PAGE).address == "https://hub.example:8000/p/"
    assert list_plain_texts(launched) == ()
    reused = execution(
        ("display_data", {"text/plain": "Launching TensorBoard..."}, "1"),
        ("update_display_data", {"text/plain": "Reusing"}, "1"),
        ("display_data", {"text/html": shell("/p/")}, None),
        ("update_display_data", {"text/plain": "of another cell"}, "9"),
    )
    assert list_plain_texts(reused) == ("Reusing",)
    assert len(list_frames(reused, PAGE)) == 1
    with pytest.raises(ProbeFailure, match=re.escape("0 frames below the cell")):
        expect_one_frame(execution(("display_data", {"text/plain": "ERROR: no"}, None)), PAGE)
