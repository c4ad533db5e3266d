"""A secret is found in whatever spelling a server sends it back."""

from __future__ import annotations

import pytest

from builder.system.spellings import could_hold_secret
from tests.support.secret_spellings import PASSWORD, SPELLINGS


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_secret_is_found_in_any_spelling(name: str) -> None:
    """Whatever stands around it."""
    text = f'403 Forbidden {{"message": "no entry for {SPELLINGS[name]} here"}}'
    assert could_hold_secret(text, {"another-one-1234", PASSWORD})


@pytest.mark.parametrize(
    "text",
    [
        "File already exists ('x-1.0-py3-none-any.whl', with blake2_256 hash '9a2a2dc985618767').",
        "Invalid or non-existent authentication information.",
        "The user 'me' isn't allowed to upload to project 'tensorboardtmp'.",
        "429 Too Many Requests " * 40,
    ],
)
def test_usual_answers_hold_none(text: str) -> None:
    """They are shown."""
    assert not could_hold_secret(text, {PASSWORD, "pypi-AgEIcHlwaS5vcmcCJGE4OTc1"})


def test_a_secret_of_signs_alone_is_found() -> None:
    """It has no letters to be compared."""
    assert could_hold_secret("was: !!??%%$$ ", {"!!??%%$$"})
    assert could_hold_secret("was: ! ! ? ? %25 %25 $ $", {"!!??%%$$"})
    assert not could_hold_secret("what? no!!", {"!!??%%$$"})


def test_a_short_secret_is_none() -> None:
    """It stands in any sentence."""
    assert not could_hold_secret("a b c", {"abc", ""})


def test_a_secret_that_is_no_ascii_is_found() -> None:
    """As text, and as its bytes."""
    secret = "schlüssel-öffnet-türen"
    for text in (secret, secret.upper(), secret.encode().hex(), secret.encode("latin-1").hex()):
        assert could_hold_secret(f"<{text}>", {secret}), text
