"""The run knows its secrets: of variables, addresses, the command line and netrc."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.system import known_secrets
from builder.system.known_secrets import (
    hide_secrets,
    register_arguments,
    register_environment,
    register_secret,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_secrets, "_registered", set())
    monkeypatch.setattr(known_secrets, "_environments", [])


def test_secrets_of_all_places_are_known(tmp_path: Path) -> None:
    """And nothing else is withheld."""
    (tmp_path / ".netrc").write_text("machine h.example login ann password canary-netrc\n")
    env = {
        "HOME": str(tmp_path),
        "TWINE_PASSWORD": "canary-twine",
        "UV_INDEX_OURS_PASSWORD": "canary-uv",
        "GH_TOKEN": "canary-token",
        "https_proxy": "http://ann:canary-proxy@h.example",
        "PIP_EXTRA_INDEX_URL": "https://a:canary-one@h/ https://b:canary-two@h/",
        "NO_PROXY": "harmless:word",
    }
    register_environment(env)
    register_arguments(["--upstream=https://u:canary-option@h/", "--index-url", "x:canary-word@h"])
    register_secret("canary-given")
    words = ["netrc", "twine", "uv", "token", "proxy", "one", "two", "option", "word", "given"]
    for word in words:
        assert "not shown" in hide_secrets(f"it was canary-{word}."), word
    for text in ("it was a canary.", "harmless:word", "https://h.example/simple/", "2.2.1"):
        assert hide_secrets(text) == text


def test_tokens_are_known_by_their_form() -> None:
    """Also one that a server has of somebody else, and one that was made for this run."""
    for token in ("pypi-AgEIcHlwaS5vcmcCJGE4", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXBvIn0.c2ln"):
        assert "not shown" in hide_secrets(f"it was {token}.")


def test_what_is_shown_is_short() -> None:
    """However much was said."""
    assert len(hide_secrets("x " * 10**6)) < 510
