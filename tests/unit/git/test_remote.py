"""Addresses of repositories and names of commits: what is let through, and what never."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import RequestError
from builder.git.remote import PUBLIC_REMOTE, check_revision, parse_remote

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-oProxyCommand=touch /tmp/x",
        "--upload-pack=touch /tmp/x",
        "ext::sh -c touch% /tmp/x",
        "fd::17",
        "file::/tmp",
        "EXT::sh",
        "::/tmp",
        "git-remote-x+y::z",
        "ftp://host/repo",
        "ext://host/repo",
        "https:///repo",
        "https://-host/repo",
        "ssh://-oProxyCommand=x/repo",
        "ssh://-l@host/repo",
        "https://host:99999/repo",
        "https://host/repo?x",
        "https://[::1/repo",
        "-host:repo",
        "user@-host:repo",
        "user:s3cret@host:8443/repo",
        "host:",
        "/no/such/directory",
        "https://host/re\npo",
        "https://us%0Aer:x@host/repo",
    ],
)
def test_tricks_are_refused(text: str) -> None:
    """Options, transport programs, unknown schemes, hosts that are options, control characters."""
    with pytest.raises(RequestError, match="cannot be used as a repository"):
        parse_remote(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://host/a/b.git", "https://host/a/b.git"),
        ("http://host:8080/b", "http://host:8080/b"),
        ("https://user:s3cret@host/b", "https://host/b"),
        ("https://token@[::1]:8443/b", "https://[::1]:8443/b"),
        ("ssh://git@host:22/b", "ssh://git@host:22/b"),
        ("ssh://git:s3cret@host/b", "ssh://git@host/b"),
        ("git@host:a/b.git", "git@host:a/b.git"),
        ("git://host/b", "git://host/b"),
    ],
)
def test_addresses_are_understood(text: str, url: str) -> None:
    """The usual forms, without password, and for http(s) without user."""
    remote = parse_remote(text)
    assert remote.url == url
    assert "s3cret" not in repr(remote)


def test_directories_become_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in their names, relative or not; and by their URL again."""
    odd = tmp_path / "a %20 ü:b"
    odd.mkdir()
    remote = parse_remote(str(odd))
    assert remote.url == odd.as_uri()
    assert parse_remote(remote.url) == remote
    monkeypatch.chdir(odd.parent)
    assert parse_remote(odd.name) == remote
    assert parse_remote("./" + odd.name) == remote


def test_the_public_repository_is_known_however_it_is_spelt() -> None:
    """With .git, a slash or capitals; another one is not public."""
    assert PUBLIC_REMOTE.is_public
    assert parse_remote(PUBLIC_REMOTE.url + ".git/").is_public
    assert parse_remote(PUBLIC_REMOTE.url.replace("tensorflow", "TensorFlow")).is_public
    assert not parse_remote("https://host/tensorflow/tensorboard").is_public


_WORD = st.text(st.characters(categories=("L", "N"), max_codepoint=0x17F), min_size=4)


@given(_WORD, st.one_of(_WORD, st.from_regex(r"[a-z0-9]{4,}@[a-z0-9]*", fullmatch=True)))
def test_userinfo_never_shows(user: str, password: str) -> None:
    """Neither in the address nor in an error, with a bare @ or / too."""
    user, password = f"u{user}u", f"p{password}p"
    remote = parse_remote(f"https://{user}:{password}@host.example/repo")
    assert (remote.username, remote.password) == (user, password)
    assert password not in f"{remote} {remote.url} {remote.origin}"
    for more in ("", "/x"):
        with pytest.raises(RequestError) as caught:
            parse_remote(f"ftp://{user}:{password}{more}@host/repo")
        assert "***@host/repo" in caught.value.message
        assert not {*password.split("@")} & {*re.split(r"\W+", caught.value.message)}


@pytest.mark.parametrize(
    "text",
    ["", "-x", "--output=/tmp/x", "a..b", "HEAD^", "a:b", "@{-1}", "a b", "a//b", "a/", "x."],
)
def test_revisions_that_git_would_interpret_are_refused(text: str) -> None:
    """Options, ranges, paths in trees, reflogs."""
    with pytest.raises(RequestError, match="is no commit"):
        check_revision(text)


@given(st.text())
def test_no_revision_is_an_option_or_a_range(text: str) -> None:
    """Whatever passes begins with a letter or digit and has no range, path or parent in it."""
    try:
        passed = check_revision(text)
    except RequestError:
        return
    assert passed[0].isalnum() or passed[0] == "_"
    assert not set(passed) & set(":^~@{}*?[\\ \n\0")
    assert ".." not in passed
