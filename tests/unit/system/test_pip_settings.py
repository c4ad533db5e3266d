"""pip's settings, as pip merges them, and as uv takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.system.pip_settings import make_uv_variables, read_pip_settings
from builder.system.settings import read_user_settings
from builder.system.virtualenvs import make_uv_env

if TYPE_CHECKING:
    from pathlib import Path

_USER = ".config/pip/pip.conf"
_FILE = "[global]\nindex-url = https://u:100%s@file.example/\nproxy = http://file:1\n"
_OTHER = "[global]\nproxy = http://other:1\n"


@pytest.mark.parametrize(
    ("env", "files", "index", "proxy"),
    [
        ({}, {}, None, None),
        ({"PIP_INDEX_URL": "a", "UV_DEFAULT_INDEX": "b"}, {}, "a", None),
        ({"UV_INDEX_URL": "b", "UV_DEFAULT_INDEX": "a"}, {}, "a", None),
        ({"UV_INDEX_URL": "a"}, {_USER: _FILE}, "a", "http://file:1"),
        (
            {"UV_DEFAULT_INDEX": "", "PIP_PROXY": ""},
            {_USER: _FILE},
            "https://u:100%s@file.example/",
            "http://file:1",
        ),
        ({"PIP_INDEX_URL": "a", "PIP_PROXY": "p"}, {".pip/pip.conf": _FILE}, "a", "p"),
        ({"XDG_CONFIG_HOME": "HOME/x"}, {"x/pip/pip.conf": _OTHER}, None, "http://other:1"),
        ({"XDG_CONFIG_DIRS": "HOME/no:HOME/x"}, {"x/pip/pip.conf": _OTHER}, None, "http://other:1"),
        (
            {"PIP_CONFIG_FILE": "HOME/other"},
            {_USER: _FILE, "other": _OTHER},
            "https://u:100%s@file.example/",
            "http://other:1",
        ),
        ({"PIP_CONFIG_FILE": "/dev/null"}, {_USER: _FILE}, None, None),
        ({}, {_USER: "[install]\nindex-url = a\n"}, None, None),
    ],
)
def test_which_setting_wins(
    env: dict[str, str],
    files: dict[str, str],
    index: str | None,
    proxy: str | None,
    tmp_path: Path,
) -> None:
    """Pip's variables, uv's, the file that PIP_CONFIG_FILE names, the user's, the system's."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    env = {name: value.replace("HOME", str(tmp_path)) for name, value in env.items()}
    settings = read_pip_settings({"HOME": str(tmp_path), "XDG_CONFIG_DIRS": "", **env})
    assert (settings.index_url, settings.proxy) == (index, proxy)


def test_cas_are_a_file_or_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uv has a variable for either, and trusts nobody where it is given the wrong one."""
    monkeypatch.setenv("HOME", str(tmp_path))  # of which `~` is made
    (tmp_path / "pip.conf").write_text("[global]\ncert = ~/ca.pem\n")
    (tmp_path / "ca.pem").touch()
    settings = read_pip_settings({"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")})
    assert make_uv_variables(*settings) == {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
    directory = read_pip_settings({"PIP_CERT": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"})
    assert make_uv_variables(*directory) == {"SSL_CERT_DIR": str(tmp_path)}
    assert make_uv_variables(None, str(tmp_path / "gone")) == {}


def test_uv_gets_the_same_where_the_program_starts_it(tmp_path: Path) -> None:
    """Its variables are also those of TensorBoard, so that no proxy, with a password, is there."""
    env = {
        "PIP_INDEX_URL": "https://a.example/simple",
        "PIP_CERT": str(tmp_path),
        "PIP_PROXY": "http://me:canary@b.example",
        "PIP_CONFIG_FILE": "/dev/null",
    }
    assert make_uv_env(read_user_settings(env), {"LANG": "C", "PYTHONPATH": "x"}) == {
        "LANG": "C",
        "UV_DEFAULT_INDEX": "https://a.example/simple",
        "SSL_CERT_DIR": str(tmp_path),
    }


@pytest.mark.parametrize("text", ["no section", "[global]\nproxy = x\nproxy = y\n", "\udcff"])
def test_a_malformed_file_is_refused(text: str, tmp_path: Path) -> None:
    """As pip does it, in one line: what stands in it may be the index that must be used."""
    (tmp_path / "pip.conf").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        read_pip_settings({"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")})
