"""Chromium is started shut off from the world, and no secret is in what it leaves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builder.smoke.browser.chromium import list_chromium_flags
from builder.system.redact import redact_bytes


def test_chromium_is_kept_from_the_world() -> None:
    """Only the named hosts exist for it; the sandbox is given up for root alone."""
    words = list(list_chromium_flags(["h:443", "127.0.0.1"], root=False))
    rules = "MAP 127.0.0.1 127.0.0.1, MAP h:443 h:443, MAP * ~NOTFOUND"
    assert f"--host-resolver-rules={rules}" in words
    assert "--no-sandbox" not in words
    assert "--no-sandbox" in list(list_chromium_flags([], root=True))


@given(st.lists(st.text(min_size=1), max_size=3), st.text())
def test_no_secret_survives(hidden: list[str], around: str) -> None:
    """Scrubbing leaves nothing of a secret unless the marker itself spells it."""
    left = redact_bytes((around + "".join(hidden) + around).encode(), hidden).decode()
    for secret in hidden:
        if "*" not in secret:
            assert secret not in left
