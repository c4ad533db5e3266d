"""What the user sees of TensorBoard in its frame: a tag, a chart, a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.smoke.model import ProbeFailure

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Locator, Page

    from builder.smoke.browser.chromium import ChromiumBrowser
    from builder.smoke.browser.observer import PageObserver

# Time limits in seconds.
CANARY, CHART = 30.0, 30.0
# The elements that draw scalars: Angular's from 2.4 on, Polymer's, and that of 1.x.
_CHARTS = "line-chart, vz-line-chart2, vz-line-chart"
# Fewest coloured pixels of a curve: one that is one pixel wide has some hundred across the smallest
# chart. Icons are not in a chart.
_CURVE = 60


def wait_for_canary(observer: PageObserver, frame: Frame, canary: str) -> None:
    """Wait until the tag can be read in the frame, in any shadow tree.

    Raises:
        ProbeFailure: it cannot in time.
    """
    if not is_canary_shown(observer, frame, canary, CANARY):
        raise ProbeFailure(f"{canary} is not visible in the frame after {CANARY:.0f} s")


def is_canary_shown(observer: PageObserver, frame: Frame, canary: str, seconds: float) -> bool:
    """Whether the tag can be read in the frame within that time."""
    return _wait_until_visible(observer, frame.get_by_text(canary).first, seconds)


def wait_for_chart(observer: PageObserver, frame: Frame) -> tuple[Locator, int, int]:
    """Wait until a chart has a size; the chart, its width and height in CSS pixels.

    Raises:
        ProbeFailure: none has in time.
    """
    chart = frame.locator(_CHARTS).filter(visible=True).first
    if not _wait_until_visible(observer, chart, CHART):
        count = frame.locator(_CHARTS).count()
        raise ProbeFailure(f"no chart with a height after {CHART:.0f} s; {count} without")
    box = chart.bounding_box()
    if box is None:
        raise ProbeFailure("the chart went away again")
    return chart, round(box["width"]), round(box["height"])


def wait_for_curve(
    browser: ChromiumBrowser, observer: PageObserver, page: Page, chart: Locator
) -> int:
    """Wait until something in colour is drawn in the chart, whose grid is grey.

    Returns:
        The number of coloured pixels.

    Raises:
        ProbeFailure: nothing is drawn in time.
    """
    dots = 0

    def is_drawn() -> bool:
        nonlocal dots
        dots = browser.count_coloured_dots(chart.screenshot(timeout=CHART * 1000))
        return dots >= _CURVE

    if not observer.watch_until(page, is_drawn, CHART, every=0.2):
        raise ProbeFailure(f"no curve in the chart after {CHART:.0f} s, only {dots} coloured dots")
    return dots


def _wait_until_visible(observer: PageObserver, what: Locator, seconds: float) -> bool:
    return observer.wait_interruptibly(
        lambda ms: what.wait_for(state="visible", timeout=ms), seconds
    )
