"""Addresses: what is well-formed, and that no password is displayed, however it is written."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.system.addresses import is_web_address, list_address_secrets, mask_address
from tests.support.address_attacks import ADDRESSES, HALVES, find_leak

_ANY_PASSWORD = st.text(min_size=1).map(lambda text: f"{HALVES[0]}{text}{HALVES[1]}")


@pytest.mark.parametrize("name", ADDRESSES)
def test_no_password_is_displayed(name: str) -> None:
    """Not a half of it; and what may be quoted by somebody else is known."""
    assert not find_leak(mask_address(ADDRESSES[name]))
    known = list_address_secrets(ADDRESSES[name])
    for half in filter(ADDRESSES[name].__contains__, HALVES):
        assert any(half in secret for secret in known), known


@given(_ANY_PASSWORD, st.sampled_from(["https://ann:{}@h.example/", "ann:{}@h.example", "x:/{}@h"]))
def test_no_password_of_any_letters_is_displayed(password: str, form: str) -> None:
    """Whatever signs it has, raw or encoded."""
    for written in (password, quote(password, safe="")):
        assert not find_leak(mask_address(form.format(written)))


@given(_ANY_PASSWORD)
def test_a_password_is_known_as_it_is_sent(password: str) -> None:
    """That is decoded."""
    assert password in list_address_secrets(f"https://ann:{quote(password, safe='')}@h.example/")


def test_what_is_no_secret_is_displayed() -> None:
    """So that one finds what is wrong."""
    for text in (
        "/srv/some where/tensorboard.git",
        "no-such-directory",
        "https://h.example:8443/a/b/",
        "http://[::1]:80/simple/",
        "file:///nowhere/here",
    ):
        assert mask_address(text) == text
    assert mask_address("https://u:p@h.example/simple/") == "https://***@h.example/simple/"
    assert mask_address("https://h.example/simple/?token=x") == "https://h.example/simple/?***"


def test_web_addresses_are_recognised() -> None:
    """The well-formed ones, and no others."""
    for text in (
        "https://h.example/simple/",
        "HTTP://user:p%40ss@h.example:8080/simple",
        "http://[::1]:80/",
        "https://tøken@höst.example./?a=b#c",
    ):
        assert is_web_address(text), text
    wrong = {n: a for n, a in ADDRESSES.items() if is_web_address(a)}
    assert set(wrong) <= {
        "well-formed",
        "a token for a user",
        "percent-encoded",
        "in a query",
        "an @ in the path",
        *(f"with {sign!r}" for sign in "#/?:%|\"'<>{}^`"),
    }
    for text in ("", "h.example", "ftp://h.example/", "https://", "https:///x", "https://h:0x/"):
        assert not is_web_address(text), text
