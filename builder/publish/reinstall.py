"""Install a published wheel back as a careful user does, and start it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from packaging.specifiers import SpecifierSet

from builder.errors import CommandError, PublishError, PythonNotFoundError
from builder.model import PACKAGE
from builder.publish.hint import requirement
from builder.publish.target import on_loopback
from builder.releases.eras import era_of
from builder.system import command, virtualenvs
from builder.system.command import tail
from builder.system.virtualenvs import INSTALL, clean_environ
from builder.tensorboard.page import has_root_element
from builder.tensorboard.server import serving

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builder.model import Identity, Release
    from builder.publish.delivery import Parcel
    from builder.system.pythons import PythonFinder
    from builder.system.settings import Environment

# The series that mends releases for Pythons other than their own, and how far (docs/today.md).
_MENDED = "today"
_MENDED_PYTHONS = ("3.11", "3.13")
# uv's settings that would let a second source in, or keep the one out that is meant: without a
# network that is a rehearsal on loopback. --no-config leaves out uv's files.
_FOREIGN_SOURCES = (
    "UV_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_FIND_LINKS",
    "UV_NO_INDEX",
    "UV_OFFLINE",
    "UV_INDEX_STRATEGY",
)


class Home(NamedTuple):
    """Where a wheel is at home.

    Attributes:
        python: the version of its Python.
        interpreter: that Python.
        until: until when its dependencies were uploaded, if they are not today's.
        first: requirements that must be installed before it.
    """

    python: str
    interpreter: Path
    until: str | None
    first: tuple[str, ...]


def home_of(
    release: Release, wheel: Path, series: Sequence[str], python: str | None, pythons: PythonFinder
) -> Home:
    """A Python on which the wheel should start: today's if it was mended for that, else its era's.

    Asked before anything is sent: what is published stays so.

    Args:
        release: what it was made from.
        wheel: the file that is to be published.
        series: what was applied.
        python: the user's choice, or None.
        pythons: finds it.

    Raises:
        IndexLookupError: it needs its era, and nobody knows when it was uploaded.
        PublishError: that Python is not there, or the wheel excludes it.
    """
    chosen, until, first = _wanted(release, series, python)
    requires = virtualenvs.requires_python(wheel)
    if not virtualenvs.allows_python(requires, chosen):
        raise PublishError(
            f"{release.version} was not sent: it requires Python {requires}, not {chosen}",
            "choose another with --python X.Y, or say --no-install",
        )
    try:
        return Home(chosen, pythons.find_python(chosen), until, first)
    except PythonNotFoundError as error:
        raise PublishError(
            f"{release.version} was not sent: {error.message}",
            f"{error.hint}; or choose another with --python X.Y, or say --no-install",
        ) from error


def _wanted(
    release: Release, series: Sequence[str], python: str | None
) -> tuple[str, str | None, tuple[str, ...]]:
    if _MENDED in series and SpecifierSet(">=1.14").contains(release.version, prereleases=True):
        lowest, highest = _MENDED_PYTHONS
        ours = f"{sys.version_info.major}.{sys.version_info.minor}"
        fits = SpecifierSet(f">={lowest},<={highest}").contains(ours)
        return python or (ours if fits else highest), None, ()
    era = era_of(release)
    return python or era.python, era.until, era.first


def install_back(
    parcel: Parcel,
    identity: Identity,
    index_url: str,
    home: Home,
    environment: Environment,
    environ: Mapping[str, str],
) -> None:
    """Install from the index into a clean environment, compare the files, start TensorBoard.

    Args:
        parcel: what was published; the index must serve these very bytes.
        identity: its name and version.
        index_url: the index that serves it, and nothing else.
        home: the Python, and the age of the dependencies.
        environment: the user's settings; dependencies come from the user's usual index.
        environ: the whole environment.

    Raises:
        PublishError: it does not install, installs other files, or does not start.
    """
    with tempfile.TemporaryDirectory(prefix="installed-") as name:
        room = Path(name)
        mine = clean_environ(environment, environ, room)
        try:
            python = virtualenvs.make_environment(room / "env", home.interpreter, mine)
            if home.first:
                virtualenvs.install(python, home.first, mine, until=home.until)
                virtualenvs.uninstall(python, PACKAGE, mine)
            _install_alone(parcel, identity, index_url, python, mine)
            virtualenvs.install(python, [requirement(identity)], mine, until=home.until)
            _compare(parcel, python, mine)
            _start(python, room, mine)
        except CommandError as error:
            raise PublishError(
                f"{requirement(identity)} was published, and cannot be installed back on Python "
                f"{home.python}: {error.message}: {tail(error.hint)}",
                "look at its dependencies; `nox -s today` tries it on every Python",
            ) from error


def _install_alone(
    parcel: Parcel, identity: Identity, index_url: str, python: Path, environ: Mapping[str, str]
) -> None:
    """Ours, without dependencies, from that index only, and only if it is the file we built."""
    alone = {k: v for k, v in environ.items() if k not in _FOREIGN_SOURCES}
    if on_loopback(index_url):
        alone["NO_PROXY"] = alone["no_proxy"] = "127.0.0.1,localhost,::1"
    listing = python.parent.parent / "alone.txt"
    listing.write_text(f"{requirement(identity)} --hash=sha256:{parcel.sha256}\n", encoding="utf-8")
    words = [virtualenvs.uv_program(), "pip", "install", "--quiet", "--no-config"]
    words += ["--python", str(python), "--link-mode", "copy", "--no-deps", "--require-hashes"]
    words += ["--default-index", index_url, "--requirement", str(listing)]
    command.run(words, timeout=INSTALL, env=alone)


def _compare(parcel: Parcel, python: Path, environ: Mapping[str, str]) -> None:
    for path, how in virtualenvs.not_as_recorded(parcel.path, python, environ):
        raise PublishError(
            f"{parcel.filename} was published, and {path} is not as it was built: {how}",
            "a dependency overwrites it, or the index serves something else; do not announce it",
        )


def _start(python: Path, room: Path, environ: Mapping[str, str]) -> None:
    logdir = room / "logdir"
    logdir.mkdir()
    with serving(python.parent / PACKAGE, logdir, room, environ) as server:
        answer = server.ask("/", timeout=30)
    if not has_root_element(answer.content):
        raise CommandError("TensorBoard", f"it answers {answer.status_code} without its page")
