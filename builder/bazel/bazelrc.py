"""Write our part of Bazel's rc file: caches, remote services and the user's flags.

The flags are in a file and not on a command line, as addresses of caches may contain passwords.
Syntax: https://bazel.build/run/bazelrc; words are split as in a Bourne shell.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import InvalidVersion, Version

from builder.bazel.settings import SETTINGS_DIR
from builder.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

CACHE_DIR = "/cache"
# Before this version an HTTP cache had a flag of its own, `--remote_http_cache`; since then that is
# an alias of `--remote_cache` (https://github.com/bazelbuild/bazel/pull/7897).
_ONE_CACHE_FLAG = Version("0.27.0")
_SCHEMES = {"http", "https", "grpc", "grpcs", "unix"}


class BazelServices(NamedTuple):
    """The user's options for Bazel.

    Attributes:
        remote_cache: the address of a remote cache, or None.
        remote_executor: the address of a remote executor, or None.
        flags: additional flags of `bazel build`.
    """

    remote_cache: str | None = None
    remote_executor: str | None = None
    flags: tuple[str, ...] = ()


def check_services(services: BazelServices) -> None:
    """Check the user's options for Bazel, before anything is built.

    Raises:
        RequestError: an address or a flag is malformed.
    """
    for option, address in (
        ("--remote-cache", services.remote_cache),
        ("--remote-executor", services.remote_executor),
    ):
        if address is None:
            continue
        known = _find_scheme(address) in _SCHEMES and address.isprintable()
        if not known or " " in address:
            raise RequestError(
                f"{option} is no address that Bazel knows",
                "give one such as grpc://cache.example:9092 or http://cache.example:8080",
            )
    for flag in services.flags:
        if not flag.startswith("--") or not flag.isprintable():
            raise RequestError(
                f"--bazel-flag {flag!r} is no flag", "give one of `bazel help build`: --jobs=4"
            )


def render_bazelrc(services: BazelServices, bazel: str | None, *, trusts: bool) -> bytes:
    """Render our part of the rc file.

    Args:
        services: the user's options.
        bazel: Bazel's version, or None if it is not known.
        trusts: whether the network settings include certificates.
    """
    startup = []
    if trusts:
        startup += [
            f"--host_jvm_args=-Djavax.net.ssl.trustStore={SETTINGS_DIR}/ca.p12",
            "--host_jvm_args=-Djavax.net.ssl.trustStorePassword=changeit",
        ]
    build = [
        "--color=no",
        "--curses=no",
        "--show_progress_rate_limit=2",
        f"--repository_cache={CACHE_DIR}/repository",
        f"--disk_cache={CACHE_DIR}/disk",
        f"--action_env=PIP_CONFIG_FILE={SETTINGS_DIR}/pip.conf",
    ]
    if services.remote_cache is not None:
        build.append(f"{_choose_cache_flag(services.remote_cache, bazel)}={services.remote_cache}")
    if services.remote_executor is not None:
        build.append(f"--remote_executor={services.remote_executor}")
    lines = [("startup", f) for f in startup] + [("build", f) for f in (*build, *services.flags)]
    return "".join(f"{command} {shlex.quote(flag)}\n" for command, flag in lines).encode()


def strip_flag_values(flags: Sequence[str]) -> list[str]:
    """Strip the values of flags, which may be secret."""
    return [flag.partition("=")[0] for flag in flags]


def _find_scheme(address: str) -> str:
    return address.partition(":")[0].lower()


def _choose_cache_flag(address: str, bazel: str | None) -> str:
    try:
        old = bazel is not None and Version(bazel) < _ONE_CACHE_FLAG
    except InvalidVersion:
        old = False
    speaks_http = _find_scheme(address) in {"http", "https"}
    return "--remote_http_cache" if old and speaks_http else "--remote_cache"
