"""Install a published wheel back from the index as a careful user does, and start it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from packaging.specifiers import SpecifierSet

from builder.errors import CommandError, PublishError, PythonNotFoundError
from builder.model import PACKAGE
from builder.publish.install_hint import format_requirement
from builder.publish.target import is_on_loopback
from builder.releases.eras import get_era
from builder.system import command, virtualenvs
from builder.system.command import summarize_output
from builder.system.files import make_temporary_directory
from builder.system.virtualenvs import INSTALL_TIMEOUT
from builder.tensorboard.page import has_root_element
from builder.tensorboard.server import run_tensorboard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builder.context import RunContext
    from builder.model import Identity, Release
    from builder.publish.upload import Upload
    from builder.system.pythons import PythonFinder

# The series that makes releases run on later Pythons, and on which of them (docs/today.md).
_TODAY_SERIES = "today"
_TODAY_PYTHONS = ("3.11", "3.13")
# uv's environment variables that would add a second source, or block the intended one: without a
# network there is still a rehearsal on loopback. `--no-config` ignores uv's configuration files.
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


class InstallTarget(NamedTuple):
    """Where a published wheel is installed back.

    Attributes:
        python: the version of the Python.
        interpreter: the path of that Python.
        until: RFC 3339 date before which its dependencies were uploaded, or None for today's.
        first: requirements that must be installed before it.
    """

    python: str
    interpreter: Path
    until: str | None
    first: tuple[str, ...]


def choose_install_target(
    release: Release, wheel: Path, series: Sequence[str], python: str | None, pythons: PythonFinder
) -> InstallTarget:
    """Choose a Python on which the wheel should start.

    It is one of today's if the series `today` was applied to 1.14 or later, else that of the
    release's era. It is chosen before anything is sent, as an upload cannot be undone.

    Args:
        release: what it was made from.
        wheel: the file that is to be published.
        series: what was applied.
        python: the user's choice, or None.
        pythons: finds it.

    Raises:
        IndexLookupError: its era is needed, and it is not known when it was uploaded.
        PublishError: that Python is not there, or the wheel excludes it.
    """
    chosen, until, first = _choose_python(release, series, python)
    requires = virtualenvs.read_requires_python(wheel)
    if not virtualenvs.is_python_allowed(requires, chosen):
        raise PublishError(
            f"{release.version} was not sent: it requires Python {requires}, not {chosen}",
            "choose another with --python X.Y, or say --no-install",
        )
    try:
        return InstallTarget(chosen, pythons.find_python(chosen), until, first)
    except PythonNotFoundError as error:
        raise PublishError(
            f"{release.version} was not sent: {error.message}",
            f"{error.hint}; or choose another with --python X.Y, or say --no-install",
        ) from error


def _choose_python(
    release: Release, series: Sequence[str], python: str | None
) -> tuple[str, str | None, tuple[str, ...]]:
    if _TODAY_SERIES in series and SpecifierSet(">=1.14").contains(
        release.version, prereleases=True
    ):
        lowest, highest = _TODAY_PYTHONS
        own_python = f"{sys.version_info.major}.{sys.version_info.minor}"
        fits = SpecifierSet(f">={lowest},<={highest}").contains(own_python)
        return python or (own_python if fits else highest), None, ()
    era = get_era(release)
    return python or era.python, era.until, era.first


def reinstall_wheel(
    upload: Upload,
    identity: Identity,
    index_url: str,
    install_target: InstallTarget,
    context: RunContext,
) -> None:
    """Install from the index into a clean virtualenv, compare the files, start TensorBoard.

    Args:
        upload: what was published; the index must serve these very bytes.
        identity: its name and version.
        index_url: the index that serves it; nothing else is taken from there.
        install_target: the Python, and the age of the dependencies.
        context: the context of the run; dependencies come from the user's usual index.

    Raises:
        PublishError: it does not install, installs other files, or does not start.
    """
    with make_temporary_directory("tensorboard-wheels-installed-") as name:
        workdir = Path(name)
        clean_env = context.make_clean_env(workdir)
        try:
            python = virtualenvs.make_virtualenv(
                workdir / "env", install_target.interpreter, clean_env
            )
            if install_target.first:
                virtualenvs.install_packages(
                    python, install_target.first, clean_env, until=install_target.until
                )
                virtualenvs.uninstall_package(python, PACKAGE, clean_env)
            _install_without_dependencies(upload, identity, index_url, python, clean_env)
            virtualenvs.install_packages(
                python, [format_requirement(identity)], clean_env, until=install_target.until
            )
            _compare_installed_files(upload, python, clean_env)
            _start_tensorboard(python, workdir, clean_env)
        except CommandError as error:
            raise PublishError(
                f"{format_requirement(identity)} was published, and cannot be installed back on "
                f"Python {install_target.python}: {error.message}: {summarize_output(error.hint)}",
                "look at its dependencies; `nox -s today` tries it on every Python",
            ) from error


def _install_without_dependencies(
    upload: Upload, identity: Identity, index_url: str, python: Path, env: Mapping[str, str]
) -> None:
    """Install our wheel without dependencies, from that index only.

    Its sha256 must be that of the file that we built.
    """
    isolated_env = {k: v for k, v in env.items() if k not in _FOREIGN_SOURCES}
    if is_on_loopback(index_url):
        isolated_env["NO_PROXY"] = isolated_env["no_proxy"] = "127.0.0.1,localhost,::1"
    listing = python.parent.parent / "alone.txt"
    listing.write_text(
        f"{format_requirement(identity)} --hash=sha256:{upload.sha256}\n", encoding="utf-8"
    )
    argv = [virtualenvs.find_uv(), "pip", "install", "--quiet", "--no-config"]
    argv += ["--python", str(python), "--link-mode", "copy", "--no-deps", "--require-hashes"]
    argv += ["--default-index", index_url, "--requirement", str(listing)]
    command.run_command(argv, timeout=INSTALL_TIMEOUT, env=isolated_env)


def _compare_installed_files(upload: Upload, python: Path, env: Mapping[str, str]) -> None:
    for path, how in virtualenvs.find_record_mismatches(upload.path, python, env):
        raise PublishError(
            f"{upload.filename} was published, and {path} is not as it was built: {how}",
            "a dependency overwrites it, or the index serves something else; do not announce it",
        )


def _start_tensorboard(python: Path, workdir: Path, env: Mapping[str, str]) -> None:
    logdir = workdir / "logdir"
    logdir.mkdir()
    with run_tensorboard(python.parent / PACKAGE, logdir, workdir, env) as server:
        response = server.send_request("/", timeout=30)
    if not has_root_element(response.content):
        raise CommandError("TensorBoard", f"it answers {response.status_code} without its page")
