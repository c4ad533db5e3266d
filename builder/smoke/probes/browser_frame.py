"""Find the frame of a page, what it loads, and why the page says that it was refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.smoke.model import ProbeFailure

if TYPE_CHECKING:
    from playwright.sync_api import Frame

    from builder.smoke.browser.browser_session import BrowserSession
    from builder.smoke.model import JupyterSite

FRAME_TIMEOUT = 30.0  # seconds until the frame must be there


def find_prefix(site: JupyterSite, address: str) -> str:
    """Find the URL below which the frame reaches TensorBoard, once a Hub has redirected it.

    Raises:
        ProbeFailure: the frame's address is not one of jupyter-server-proxy's.
    """
    redirect = site.deployment.redirect
    starts = [site.url, *([f"{site.origin}{redirect}"] if redirect else [])]
    for start in starts:
        below = re.match(re.escape(start) + r"(proxy/(?:absolute/)?[0-9]+/)", address)
        if below is not None:
            return f"{site.url}{below[1]}"
    raise ProbeFailure(f"the frame is at {address}, not below {' or '.join(starts)}proxy/")


def wait_for_only_frame(session: BrowserSession) -> Frame:
    """Wait until there is a frame in the outputs.

    Raises:
        ProbeFailure: there is none in time, or more than one.
    """
    frames: list[Frame] = []

    def has_frames() -> bool:
        frames[:] = session.notebook.list_frames()
        return bool(frames)

    if not session.observer.watch_until(session.page, has_frames, FRAME_TIMEOUT):
        shown = " ".join(session.notebook.output_text.split())[-300:]
        raise ProbeFailure(
            f"no frame in the outputs after {FRAME_TIMEOUT:.0f} s, which say: {shown}"
        )
    if len(frames) > 1:
        raise ProbeFailure(f"{len(frames)} frames: {', '.join(frame.url for frame in frames)}")
    return frames[0]


def get_frame_source(frame: Frame) -> str:
    """Return the address that the frame was given, whether or not it loaded."""
    address: str = frame.frame_element().evaluate("frame => frame.src")
    return address


def is_direct_address(address: str, origin: str) -> bool:
    """Whether an address has a port other than Jupyter's, on Jupyter's host or on localhost.

    TensorBoard 1.13 and 1.14 name localhost.
    """
    target, base = urlsplit(address), urlsplit(origin)
    return target.hostname in {base.hostname, "localhost"} and target.port not in {None, base.port}


def find_refusal(session: BrowserSession, address: str) -> str:
    """Return Chromium's error for the frame's request to that address.

    Raises:
        ProbeFailure: the request got a response, or was not made.
    """
    address_netloc = urlsplit(address).netloc

    def list_refusals() -> list[str]:
        return [
            e.failure
            for e in session.observer.page_requests
            if urlsplit(e.url).netloc == address_netloc and e.failure
        ]

    session.observer.watch_until(session.page, lambda: bool(list_refusals()), FRAME_TIMEOUT)
    answered = [
        str(e)
        for e in session.observer.page_requests
        if urlsplit(e.url).netloc == address_netloc and e.status
    ]
    if answered or not list_refusals():
        raise ProbeFailure(f"{address} was not refused: {answered or 'no request'}")
    return list_refusals()[0]
