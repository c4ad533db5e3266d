"""What users and the project may set, and how what is malformed is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.errors import RequestError
from builder.system.limits import TIMEOUT_VARIABLE
from builder.system.settings import ProjectSettings, read_project_settings, read_user_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_environment_wins_over_configuration_files(tmp_path: Path) -> None:
    """PIP_INDEX_URL, then uv's variable, then pip.conf; the cache below XDG_CACHE_HOME."""
    configuration = tmp_path / "pip.conf"
    configuration.write_text("[global]\nindex-url = https://a.example/\ncert = /a.pem\n")
    env = {"PIP_CONFIG_FILE": str(configuration), "HOME": str(tmp_path)}
    read = read_user_settings(env)
    assert (read.index_url, read.ca_bundle) == ("https://a.example/", "/a.pem")
    assert read.cache == tmp_path / ".cache/tensorboard-proxy-wheels"
    env |= {"UV_DEFAULT_INDEX": "https://b.example/", "XDG_CACHE_HOME": "/elsewhere"}
    assert read_user_settings(env).index_url == "https://b.example/"
    env |= {"PIP_INDEX_URL": "https://c.example/", "PIP_CERT": "/c.pem"}
    read = read_user_settings(env)
    assert (read.index_url, read.ca_bundle) == ("https://c.example/", "/c.pem")
    assert str(read.cache).startswith("/elsewhere/")


@pytest.mark.parametrize("text", ["index-url = x\n", "[global\n", "[global]\n[global]\n"])
def test_broken_pip_configuration_is_named(text: str, tmp_path: Path) -> None:
    """Pip's own file, so the message says whose."""
    configuration = tmp_path / "pip.conf"
    configuration.write_text(text)
    with pytest.raises(RequestError, match="pip's configuration"):
        read_user_settings({"PIP_CONFIG_FILE": str(configuration), "HOME": str(tmp_path)})


@pytest.mark.parametrize("epoch", ["2020-01-01", "-1", "9999999999999999", "٣"])
def test_source_date_epoch_must_be_a_number(epoch: str) -> None:
    """A date instead is a common mistake."""
    with pytest.raises(RequestError, match="SOURCE_DATE_EPOCH"):
        read_user_settings({"SOURCE_DATE_EPOCH": epoch})


def test_project_defaults_can_be_changed(tmp_path: Path) -> None:
    """pyproject.toml says the name, the series and the label; a malformed one is named."""
    assert read_project_settings(tmp_path).series == (
        "proxy",
        "proxy-hardening",
        "today",
        "security",
    )
    table = '[tool.tensorboard-proxy-wheels]\nname = "mine"\nseries = ["proxy"]\n'
    (tmp_path / "pyproject.toml").write_text(f'{table}local-label = "ours.7"\n')
    assert read_project_settings(tmp_path) == ProjectSettings("mine", ("proxy",), "ours.7")
    head = "[tool.tensorboard-proxy-wheels]\n"
    bad_lines = ("nam = 'x'", "name = 1", "series = 3", 'series = "proxy"', "local-label = 2")
    for bad in ("[", *(f"{head}{line}\n" for line in bad_lines)):
        (tmp_path / "pyproject.toml").write_text(bad)
        with pytest.raises(RequestError, match=r"pyproject\.toml"):
            read_project_settings(tmp_path)


@pytest.mark.parametrize(
    "text", ["0", "-1", "1e3", "nan", "inf", "a minute", "0x10", "٣", "604801"]
)
def test_a_timeout_that_cannot_be_waited_is_refused(text: str, tmp_path: Path) -> None:
    """At the start, and not when a server is silent for the first time."""
    env = {"HOME": str(tmp_path), TIMEOUT_VARIABLE: text}
    with pytest.raises(RequestError, match=f"{TIMEOUT_VARIABLE} is ") as caught:
        read_user_settings(env)
    assert caught.value.exit_code == 2


def test_a_timeout_takes_the_place_of_every_default(tmp_path: Path) -> None:
    """Seconds, also a part of one; empty is the same as unset."""
    env = {"HOME": str(tmp_path)}
    for text, expected in (("2.5", 2.5), ("600", 600.0), ("", 30.0)):
        read = read_user_settings({**env, TIMEOUT_VARIABLE: text})
        assert read.get_timeout(30.0) == expected
    assert read_user_settings(env).get_timeout(30.0) == 30.0
