"""Credentials in text: none of them is left, and nothing else is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builder.system.redact import redact_credentials


@given(
    st.text(),
    st.text(st.characters(exclude_characters="/ \n\t", exclude_categories=["Z", "Cc"]), min_size=1),
)
def test_redaction_leaves_no_credentials(around: str, secret: str) -> None:
    """Whatever stands around the URL."""
    text = redact_credentials(f"https://user:{secret}@host.example/{around}")
    assert text.startswith("https://***@host.example/")


def test_each_url_is_redacted_by_itself() -> None:
    """An @ in a path or in a mail address hides nothing."""
    text = "fatal: https://u:p@ss@h/a@b and ssh://u@h/: not https://h/@b, me@h"
    reported = "fatal: https://***@h/a@b and ssh://***@h/: not https://h/@b, me@h"
    assert redact_credentials(text) == reported
