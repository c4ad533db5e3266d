"""Read settings from environment variables, pip's configuration files and pyproject.toml.

The command line passes `os.environ` in once; settings are not read from it anywhere else.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from builder.errors import RequestError, shorten_reason
from builder.system.input_files import MAX_DOCUMENT, read_input_file
from builder.system.limits import LONGEST_TIMEOUT, TIMEOUT_VARIABLE
from builder.system.pip_settings import find_home, read_pip_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

_APPLICATION = "tensorboard-proxy-wheels"


class UserSettings(msgspec.Struct, frozen=True):
    """The user's settings, from environment variables and pip's configuration.

    Attributes:
        cache: directory of the content-addressed cache.
        index_url: URL of the package index, as pip takes it, or None for the public one.
        ca_bundle: file or directory with the CAs to trust, or None for the default.
        http_proxy: from pip's configuration, or None (requests reads the usual variables itself).
        source_date_epoch: seconds since 1970, or None.
        timeout: seconds that any wait for a server may take, or None for the defaults.
    """

    cache: Path
    index_url: str | None
    ca_bundle: str | None
    http_proxy: str | None
    source_date_epoch: int | None
    timeout: float | None = None

    def get_timeout(self, default: float) -> float:
        """Return how long to wait, in seconds: what the user set, or else the default."""
        return default if self.timeout is None else self.timeout


class ProjectSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The project's defaults, which the table `[tool.tensorboard-proxy-wheels]` may change.

    Attributes:
        name: the name of the test distribution.
        series: the default series, in order.
        local_label: the text after the `+` in the version of a local identity. Its number rises
            when what we make of a stock wheel changes; docs/CHANGELOG.md lists the changes.
    """

    name: str = "tensorboardtmp"
    series: tuple[str, ...] = ("proxy", "proxy-hardening", "today", "security")
    local_label: str = "proxy.2"


class _ToolTables(msgspec.Struct, frozen=True):
    """The tables of all tools; those of others are ignored."""

    ours: ProjectSettings = msgspec.field(name=_APPLICATION, default_factory=ProjectSettings)


class _ProjectFile(msgspec.Struct, frozen=True):
    """`pyproject.toml`."""

    tool: _ToolTables = msgspec.field(default_factory=_ToolTables)


def read_user_settings(env: Mapping[str, str]) -> UserSettings:
    """Read the user's settings from environment variables and pip's configuration files.

    pip's variables win over uv's, and both over pip's files. `REQUESTS_CA_BUNDLE` and the proxy
    variables are not read here, as requests reads them itself.

    Raises:
        RequestError: SOURCE_DATE_EPOCH or TENSORBOARD_WHEELS_TIMEOUT is not a number, or pip's
            configuration is malformed.
    """
    try:
        pip = read_pip_settings(env)
    except ValueError as error:
        raise RequestError(
            f"pip's configuration cannot be read: {error}", "fix it, or set PIP_CONFIG_FILE"
        ) from error
    cache = env.get("XDG_CACHE_HOME") or str(find_home(env) / ".cache")
    epoch = env.get("SOURCE_DATE_EPOCH") or None
    if epoch is not None and not re.fullmatch(r"[0-9]{1,11}", epoch):
        raise RequestError(
            f"SOURCE_DATE_EPOCH is {epoch!r}, not a number of seconds since 1970",
            "unset it, or set a number",
        )
    return UserSettings(
        cache=Path(cache) / _APPLICATION,
        index_url=pip.index_url,
        ca_bundle=pip.ca_bundle,
        http_proxy=pip.proxy,
        source_date_epoch=None if epoch is None else int(epoch),
        timeout=read_timeout(env),
    )


def read_timeout(env: Mapping[str, str]) -> float | None:
    """Read how long any wait for a server may take, in seconds; None if it is not set.

    Raises:
        RequestError: it is not a number of seconds that can be waited.
    """
    given = env.get(TIMEOUT_VARIABLE) or None
    if given is None:
        return None
    seconds = float(given) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", given, re.ASCII) else 0.0
    if not 0 < seconds <= LONGEST_TIMEOUT:
        raise RequestError(
            f"{TIMEOUT_VARIABLE} is {given!r}, not a number of seconds above 0, up to "
            f"{LONGEST_TIMEOUT:,}",
            "unset it for the defaults, or set a number such as 60",
        )
    return seconds


def read_project_settings(root: Path) -> ProjectSettings:
    """Read the project's defaults; a checkout's pyproject.toml may change them.

    Raises:
        RequestError: pyproject.toml cannot be read or is malformed.
    """
    path = root / "pyproject.toml"
    try:
        file = msgspec.toml.decode(read_input_file(path, MAX_DOCUMENT), type=_ProjectFile)
    except FileNotFoundError:
        return ProjectSettings()
    except msgspec.ValidationError as error:
        raise RequestError(
            f"{path} is malformed: {shorten_reason(error)}",
            'name and local-label are texts, series a list such as ["proxy"]',
        ) from error
    except OSError as error:
        raise RequestError(
            f"{path} cannot be read: {error.strerror}", "fix it, or run it in another directory"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(
            f"{path} is no TOML: {shorten_reason(error)}", "fix that line"
        ) from error
    return file.tool.ours
