"""Read pip's settings for closed networks: the index, the CAs and the proxy.

Only the standard library is imported: `noxfile.py` runs this file before anything is installed, as
uv, which installs the project, reads no settings of pip's.
"""

from __future__ import annotations

import os
import stat
import sys
from configparser import Error, RawConfigParser
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_BYTES = 1024 * 1024  # of a configuration file


class PipSettings(NamedTuple):
    """What pip is told to use, in environment variables or in its configuration files.

    Attributes:
        index_url: URL of the package index, which may hold a password, or None.
        ca_bundle: file or directory with the CAs to trust, or None.
        proxy: URL of the proxy, or None.
    """

    index_url: str | None
    ca_bundle: str | None
    proxy: str | None


def read_pip_settings(env: Mapping[str, str]) -> PipSettings:
    """Read the settings: pip's variables win over uv's, and these over pip's files.

    Raises:
        ValueError: a configuration file is malformed, which pip refuses, too.
    """
    options = _read_configuration(env)
    # pip expands this one's `~`; its other options are no paths.
    cert = options.get("cert") and os.path.expanduser(options["cert"])  # noqa: PTH111 - may be ""
    return PipSettings(
        index_url=_get_first(env, "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
        or options.get("index-url"),
        ca_bundle=_get_first(env, "PIP_CERT") or cert or _get_first(env, "SSL_CERT_FILE"),
        proxy=_get_first(env, "PIP_PROXY") or options.get("proxy"),
    )


def make_uv_variables(
    index_url: str | None, ca_bundle: str | None, proxy: str | None = None
) -> dict[str, str]:
    """Make the environment variables by which uv takes pip's index, CAs and proxy.

    The arguments are the fields of `PipSettings`.
    """
    cas = ca_bundle or ""
    found = {
        "UV_DEFAULT_INDEX": index_url,
        # uv trusts nobody at all if this is no file.
        "SSL_CERT_FILE": cas if Path(cas).is_file() else None,
        "SSL_CERT_DIR": cas if cas and Path(cas).is_dir() else None,
        "ALL_PROXY": proxy,
    }
    return {name: value for name, value in found.items() if value}


def find_home(env: Mapping[str, str]) -> Path:
    """Find the user's home directory."""
    return Path(env.get("HOME") or Path.home())


def _get_first(env: Mapping[str, str], *names: str) -> str | None:
    return next((env[n] for n in names if env.get(n)), None)


def _has_configuration(path: Path) -> bool:
    """Whether a path is a file to read; pip reads no directory, and /dev/null has nothing.

    Raises:
        ValueError: it is a named pipe, which may never end, or an absurdly large file.
    """
    try:
        found = path.stat()
    except OSError:
        return False
    if stat.S_ISDIR(found.st_mode) or stat.S_ISCHR(found.st_mode):
        return False
    if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_BYTES:
        raise ValueError(f"{path} is no regular file of at most {_MAX_BYTES} bytes")
    return True


def _read_configuration(env: Mapping[str, str]) -> dict[str, str]:
    """Read the `[global]` section as pip merges it: system, user, virtualenv, PIP_CONFIG_FILE."""
    explicit = env.get("PIP_CONFIG_FILE")
    if explicit == os.devnull:  # with this value, pip reads no file at all
        return {}
    home = find_home(env)
    files = [
        *(Path(d) / "pip/pip.conf" for d in env.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")),
        Path("/etc/pip.conf"),
        home / ".pip/pip.conf",
        Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf",
        Path(sys.prefix) / "pip.conf",
        *([Path(explicit)] if explicit else []),
    ]
    parser = RawConfigParser()
    try:
        parser.read([f for f in files if _has_configuration(f)], encoding="utf-8")
    except (Error, UnicodeDecodeError) as error:
        # Its text quotes the file, which may hold a password.
        where = getattr(error, "source", None) or getattr(error, "filename", "one of its files")
        line = getattr(error, "lineno", None) or next(
            (number for number, _ in getattr(error, "errors", [])), None
        )
        what = f"{where}{f', line {line}' if line else ''}, is malformed ({type(error).__name__})"
        raise ValueError(what) from None
    return dict(parser.items("global")) if parser.has_section("global") else {}
