"""Wheelhouses: all that an image installs, resolved and fetched on the host for the image's Python.

The image then needs no index, and the host's settings for its index do not get into the image.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import CommandError, SmokeError
from builder.system import command
from builder.system.files import make_temporary_directory
from builder.system.ownership import make_private_directory
from builder.system.virtualenvs import INSTALL_TIMEOUT, find_uv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Minor versions of glibc 2. A wheel for an older glibc runs on a newer one (PEP 600); Debian 12 has
# 2.36.
_GLIBC = (28, 27, 26, 24, 17, 12, 5)


class PythonPlatform(NamedTuple):
    """What the wheels must run on: a Python such as `3.11`, an architecture as uname spells it."""

    python: str
    architecture: str


def resolve_wheelhouse(
    wanted: Sequence[str],
    platform: PythonPlatform,
    env: Mapping[str, str],
    constraints: Path | None,
) -> tuple[str, ...]:
    """Resolve requirements or wheels to all distributions that they install, as `name==version`.

    Args:
        wanted: requirements, or paths of wheels, which are left out of the result.
        platform: what the distributions must run on.
        env: environment variables for uv: the index, CAs and proxies.
        constraints: a constraints file, or None.

    Raises:
        SmokeError: there is no solution for that Python.
    """
    with make_temporary_directory("tensorboard-wheels-wheelhouse-") as workdir:
        listing = workdir / "wanted.in"
        listing.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        limits = [] if constraints is None else ["--constraints", str(constraints)]
        words = [find_uv(), "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
        # Only wheels are resolved, so our own Python will do: the image's need not be downloaded.
        words += ["--python", sys.executable, "--python-version", platform.python, *limits]
        words += ["--python-platform", f"{platform.architecture}-manylinux_2_{_GLIBC[0]}"]
        words += ["--only-binary", ":all:", str(listing)]
        try:
            out = command.run_command(words, timeout=INSTALL_TIMEOUT, env=env)
        except CommandError as error:
            raise SmokeError(
                f"{', '.join(Path(w).name for w in wanted)} cannot be installed on "
                f"Python {platform.python} of the image",
                f"use a base image with another Python: --base IMAGE\n{error.hint}",
            ) from error
    pins = (line.split(";")[0].strip() for line in out.splitlines())
    return tuple(sorted(pin for pin in pins if "==" in pin))


def fetch_wheelhouse(
    pins: Sequence[str], platform: PythonPlatform, env: Mapping[str, str], cache: Path
) -> list[Path]:
    """Get the wheels of these pins, from the cache or by `pip download`.

    Args:
        pins: `name==version`.
        platform: what they must run on.
        env: environment variables for pip: the index, CAs and proxies.
        cache: the directory in which they are cached, one directory for each set of pins.

    Raises:
        SmokeError: one of them is not available as a wheel.
    """
    if not pins:
        return []
    key = hashlib.sha256(repr((sorted(pins), platform)).encode()).hexdigest()[:16]
    directory = cache / "wheelhouse" / key
    if not directory.is_dir():
        make_private_directory(directory.parent)
        workdir = Path(tempfile.mkdtemp(prefix=".making-", dir=directory.parent))
        try:
            _download_wheels(pins, platform, env, workdir)
            _move_into_cache(workdir, directory)
        finally:
            shutil.rmtree(workdir, ignore_errors=True)
    return sorted(directory.glob("*.whl"))


def _download_wheels(
    pins: Sequence[str], platform: PythonPlatform, env: Mapping[str, str], directory: Path
) -> None:
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    words += [
        "--only-binary",
        ":all:",
        "--python-version",
        platform.python,
        "--dest",
        str(directory),
    ]
    for minor in _GLIBC:
        words += ["--platform", f"manylinux_2_{minor}_{platform.architecture}"]
    for legacy in ("2014", "2010", "1"):  # the tags of PEP 599, 571 and 513
        words += ["--platform", f"manylinux{legacy}_{platform.architecture}"]
    try:
        command.run_command([*words, *pins], timeout=INSTALL_TIMEOUT, env=env)
    except CommandError as error:
        raise SmokeError(
            "the wheelhouse of the image cannot be filled",
            f"the index, its CA and its proxy are pip's own settings\n{error.hint}",
        ) from error


def _move_into_cache(workdir: Path, directory: Path) -> None:
    """Move a finished wheelhouse into the cache; if another run was faster, its own stays."""
    try:
        os.rename(workdir, directory)  # noqa: PTH104 - fails where Path.replace would, says so plainly
    except OSError:
        if not directory.is_dir():
            raise
