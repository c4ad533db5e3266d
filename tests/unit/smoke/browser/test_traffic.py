"""The requests of a page: told apart, barred, excused only where the reason is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.smoke.browser import traffic
from builder.smoke.browser.chromium import build_barred_pattern
from builder.smoke.browser.traffic import PageRequest, RequestOwner
from tests.support.browser import ORIGIN, PREFIX, make_exchange


@pytest.mark.parametrize(
    ("url", "framed", "kind"),
    [
        (f"{PREFIX}index.js", True, RequestOwner.TENSORBOARD),
        (f"{PREFIX}data/plugins_listing", False, RequestOwner.TENSORBOARD),
        (f"{ORIGIN}/data/plugins_listing", True, RequestOwner.STRAY),
        (f"{ORIGIN}/user/ada/proxy/6007/", True, RequestOwner.STRAY),
        (f"{ORIGIN}/static/lab.js", False, RequestOwner.JUPYTER),
        ("http://hub.example:6006/", True, RequestOwner.FOREIGN),
        ("http://hub.example:88889/", False, RequestOwner.FOREIGN),
        ("http://hub.example:8888@evil.example/", False, RequestOwner.FOREIGN),
        ("https://hub.example:8888/", False, RequestOwner.FOREIGN),
        ("data:image/png;base64,AA", True, RequestOwner.INLINE),
        (f"blob:{ORIGIN}/0b6c", True, RequestOwner.INLINE),
    ],
)
def test_requests_are_told_apart(url: str, framed: bool, kind: RequestOwner) -> None:
    """Each request has one owner, whatever its address resembles."""
    assert traffic.classify_request(make_exchange(url, framed=framed), ORIGIN, PREFIX) is kind


def test_a_socket_is_judged_by_its_host() -> None:
    """A WebSocket to Jupyter is Jupyter's; the same to another port is not."""
    own = make_exchange("ws://hub.example:8888/api/kernels/1/channels", method="WS", framed=False)
    other = make_exchange("ws://hub.example:6006/", method="WS", framed=False)
    assert traffic.classify_request(own, ORIGIN, PREFIX) is RequestOwner.JUPYTER
    assert list(traffic.find_foreign_requests([own, other], ORIGIN, PREFIX)) == [str(other)]


@given(
    st.sampled_from(["http", "https", "ws"]),
    st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True),
    st.integers(1, 65535),
    st.text(max_size=20),
)
def test_the_bar_and_the_log_agree(scheme: str, host: str, port: int, rest: str) -> None:
    """An address is barred exactly if it would be called foreign."""
    url = f"{scheme}://{host}:{port}/{rest}"
    bar = build_barred_pattern(ORIGIN).match(url) is not None
    assert bar is (not url.startswith(f"{ORIGIN}/"))
    assert build_barred_pattern(ORIGIN).match(f"{ORIGIN}/{rest}") is None


def test_what_failed_is_told() -> None:
    """Errors, lost connections and missing answers fail; Jupyter's own only where it is ours."""
    bad = make_exchange(f"{PREFIX}chart_worker.js", status=404)
    lost = PageRequest(
        "GET", f"{PREFIX}data/runs", "xhr", True, None, "net::ERR_EMPTY_RESPONSE", True
    )
    slow = PageRequest("GET", f"{PREFIX}data/tags", "xhr", framed=True)
    jupyter = make_exchange(f"{ORIGIN}/lab/extensions/x.js", framed=False, status=404)
    seen = [bad, lost, slow, jupyter, make_exchange(f"{PREFIX}index.js")]
    assert list(traffic.find_failed_requests(seen, ORIGIN, PREFIX)) == [str(e) for e in seen[:4]]
    assert list(traffic.find_failed_requests(seen, ORIGIN, PREFIX, jupyter=False)) == [
        str(e) for e in seen[:3]
    ]


def test_a_question_taken_back_has_not_failed_if_it_was_asked_again() -> None:
    """TensorBoard aborts a request and repeats it; alone, the abortion is a failure."""
    url = f"{PREFIX}data/plugin/timeseries/tags"
    aborted = PageRequest("GET", url, "xhr", True, None, "net::ERR_ABORTED", True)
    assert list(traffic.find_failed_requests([aborted, make_exchange(url)], ORIGIN, PREFIX)) == []
    again = make_exchange(url, status=500)
    assert list(traffic.find_failed_requests([aborted, again], ORIGIN, PREFIX)) == [
        str(aborted),
        str(again),
    ]
