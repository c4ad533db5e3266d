"""Where wheels go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT
from twine.utils import DEFAULT_REPOSITORY, TEST_REPOSITORY

from builder.errors import RequestError
from builder.publish.target import get_testpypi_index, is_public_index, resolve_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_the_public_indexes() -> None:
    """Twine knows where they take files, and we where they serve them, also without it."""
    real = resolve_repository("pypi", None)
    assert (real.upload_url, real.index_url) == (DEFAULT_REPOSITORY, PYPI_SIMPLE_ENDPOINT)
    test = resolve_repository("testpypi", None)
    assert (test.upload_url, test.index_url) == (
        TEST_REPOSITORY,
        TEST_REPOSITORY.replace("/legacy/", "/simple/"),
    )
    assert get_testpypi_index() == test.index_url
    assert real.public
    assert test.public


def test_a_public_index_stays_public_under_its_url() -> None:
    """Neither a URL nor a section of one's own hides it; a look-alike is none."""
    assert resolve_repository(TEST_REPOSITORY, None).public
    assert is_public_index(PYPI_SIMPLE_ENDPOINT.upper())
    assert not is_public_index(PYPI_SIMPLE_ENDPOINT.replace("https://", "https://not"))
    assert not is_public_index("http://127.0.0.1:8080/")


def test_a_section_of_pypirc(home: Path) -> None:
    """Its address is taken; files are served where one says."""
    (home / ".pypirc").write_text(
        "[distutils]\nindex-servers = ours\n[ours]\nrepository = https://ours.example/u/\n"
    )
    found = resolve_repository("ours", "https://ours.example/u/+simple/")
    assert (found.upload_url, found.index_url, found.public, found.label) == (
        "https://ours.example/u/",
        "https://ours.example/u/+simple/",
        False,
        "ours",
    )


@pytest.mark.parametrize(
    ("url", "index_url", "label"),
    [
        ("https://a.example/legacy/", "https://a.example/simple/", "a-example"),
        ("https://a.example/x", "https://a.example/x/simple/", "a-example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/simple/", "127-0-0-1"),
    ],
)
def test_urls(url: str, index_url: str, label: str) -> None:
    """Where files are served follows from where they go; uv gets a name it takes."""
    found = resolve_repository(url, None)
    assert (found.index_url, found.label) == (index_url, label)


@pytest.mark.parametrize(
    "repository", ["nosuch", "ftp://a.example/", "https://", "http://[::1", "https://a:99999/", ""]
)
def test_nonsense_is_refused(repository: str) -> None:
    """With what could be meant."""
    with pytest.raises(RequestError):
        resolve_repository(repository, None)


@pytest.mark.parametrize("where", ["url", "index", "pypirc"])
def test_passwords_in_urls_are_refused_and_not_repeated(where: str, home: Path) -> None:
    """Others on the machine can read a command line."""
    secret = "https://me:canary@a.example/"
    (home / ".pypirc").write_text(f"[distutils]\nindex-servers = a\n[a]\nrepository = {secret}\n")
    words = {
        "url": (secret, None),
        "index": ("https://a.example/", secret),
        "pypirc": ("a", None),
    }[where]
    with pytest.raises(RequestError) as caught:
        resolve_repository(*words)
    assert "canary" not in caught.value.message + caught.value.hint
