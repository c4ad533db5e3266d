"""A real browser."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from builder.errors import SmokeError
from builder.smoke.browser import frontends, view
from builder.smoke.browser.chromium import ChromiumBrowser, open_browser
from builder.smoke.probes import browser as probes
from builder.smoke.probes import browser_frame
from tests.support.needs import lacking

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def chromium() -> Iterator[ChromiumBrowser]:
    """One Chromium for the whole module; without one these tests are left out."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OPEN", "IDLE", "RUN", "SAVE"):
            patch.setattr(frontends, name, 8.0)
        for name in ("CANARY", "CHART"):
            patch.setattr(view, name, 4.0)
        patch.setattr(browser_frame, "FRAME_TIMEOUT", 4.0)
        patch.setattr(probes, "_NEVER", 0.6)
        with ExitStack() as stack:
            try:
                browser = stack.enter_context(open_browser(os.environ, ["127.0.0.1"]))
            except SmokeError as error:
                lacking(f"{error.message}; {error.hint}")
            yield browser
