"""Addresses and tokens of a Jupyter that is not ours: let through, or refused and not quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from builder.errors import RequestError
from builder.smoke.jupyter.existing_jupyter import parse_existing_url
from builder.smoke.model import Deployment, Frontend, JupyterSite, LoginCredentials
from builder.system.redact import Secret
from tests.support.smoke_page import INSTALLED

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "canary-5a17f0"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """With a token, and the line's end that editors leave."""
    path = tmp_path / "token"
    path.write_text("abc-1\n")
    return path


@pytest.mark.parametrize(
    ("url", "made", "place", "label"),
    [
        ("http://h", "http://h/", "h:80", "h"),
        ("https://h/user/ann", "https://h/user/ann/", "h:443", "h-user-ann"),
        ("https://h/user/bob/", "https://h/user/bob/", "h:443", "h-user-bob"),
        ("http://h:8/user/a%40b/x/", "http://h:8/user/a%40b/x/", "h:8", "h-8-user-a-40b-x"),
        ("http://[::1]:8888", "http://[::1]:8888/", "[::1]:8888", "1-8888"),
    ],
)
def test_an_address_is_a_place_and_a_report(
    token_file: Path, url: str, made: str, place: str, label: str
) -> None:
    """Each user of a hub has a report of their own; the browser is kept to host and port."""
    there = parse_existing_url(url, token_file)
    assert (there.url, there.host_and_port, there.report_name) == (made, place, label)
    assert there.token == Secret("abc-1")
    assert "abc-1" not in repr(there)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:99999/", "cannot be read"),
        ("http://h:port/", "cannot be read"),
        ("http://[::1/", "cannot be read"),
        ("http://a..b/", "cannot be read"),
        (f"http://h/lab?token={SECRET}", "holds a query"),
        (f"ftp://h/lab#token={SECRET}", "holds a query"),
        (f"http://ann:{SECRET}@h/", "holds a password"),
        ("ftp://h/", "is not the address"),
        ("h:8888/lab", "is not the address"),
        ("http:///lab", "is not the address"),
        ("", "is not the address"),
    ],
)
def test_what_is_no_address_is_refused_and_not_quoted(token_file: Path, url: str, why: str) -> None:
    """In one line, with what to do; a secret in it is not shown."""
    with pytest.raises(RequestError, match=f"--url {why}") as refusal:
        parse_existing_url(url, token_file)
    assert SECRET not in refusal.value.message + refusal.value.hint


@pytest.mark.parametrize(
    "content", [b"", b"two words", b"a\nb", "t\u00f6ken".encode(), b"\xff", b"a\0b"]
)
def test_what_is_no_token_is_refused(tmp_path: Path, content: bytes) -> None:
    """What no header takes, before it is sent."""
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(RequestError, match=r"holds no token|cannot be read"):
        parse_existing_url("http://h/", path)
    with pytest.raises(RequestError, match="cannot be read"):
        parse_existing_url("http://h/", tmp_path / "none")


def test_what_lies_behind_a_user_redirect_is_asked_for_past_it() -> None:
    """With a token alone; a person is let in by the Hub, and other frames are left as they are."""
    through = Deployment("x", Frontend.LAB, "/user/ann/", redirect="/hub/user-redirect/")
    site = JupyterSite(through, "https://h/user/ann/", Secret("t"), INSTALLED)
    frame = "https://h/hub/user-redirect/proxy/6006/"
    assert site.is_login_needed
    assert site.to_direct_url(frame) == "https://h/user/ann/proxy/6006/"
    assert site.to_direct_url("https://h/hub/other/") == "https://h/hub/other/"
    person = replace(site, credentials=LoginCredentials("https://h/hub/login", "ann", "any"))
    plain = replace(site, deployment=replace(through, redirect=""))
    for other in (person, plain):
        assert not other.is_login_needed
        assert other.to_direct_url(frame) == frame
