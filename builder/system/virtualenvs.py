"""Make throwaway virtualenvs, by uv with copies instead of links.

A file edited through a hard link once corrupted uv's cache and every virtualenv made later. So no
file is linked here, and `find_record_mismatches` compares installed files with the wheel's RECORD.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from builder.errors import CommandError, make_extra_hint
from builder.system import command
from builder.system.pip_settings import make_uv_variables
from builder.wheel import archive, metadata, record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.system.settings import UserSettings

# Seconds. A virtualenv with TensorFlow takes the longest, on a slow mirror.
INSTALL_TIMEOUT = 900.0
START_TIMEOUT = 120.0
_FOREIGN_VARIABLES = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONWARNINGS",
    "VIRTUAL_ENV",
    # Some systems set it; a new virtualenv then compiles all of TensorFlow at each start.
    "PYTHONDONTWRITEBYTECODE",
)


def find_uv() -> str:
    """Find uv in our own virtualenv, or on PATH.

    Raises:
        CommandError: it is in neither.
    """
    found = command.find_program("uv", Path(sysconfig.get_path("scripts"))) or command.find_program(
        "uv"
    )
    if found is None:
        raise CommandError(
            "throwaway environments are made with uv, and there is no uv", make_extra_hint("deep")
        )
    return found


def make_uv_env(settings: UserSettings, env: Mapping[str, str]) -> dict[str, str]:
    """Make uv's environment variables: no foreign Python settings, but pip's index and CAs."""
    kept = {k: v for k, v in env.items() if k not in _FOREIGN_VARIABLES}
    return kept | make_uv_variables(settings.index_url, settings.ca_bundle)


def make_virtualenv(directory: Path, python: Path, env: Mapping[str, str]) -> Path:
    """Make an empty virtualenv, without setuptools.

    Args:
        directory: the directory to make.
        python: the interpreter that it is for, as `PythonFinder` finds it.
        env: environment variables for uv.

    Returns:
        The path of its Python.

    Raises:
        CommandError: there is no uv, or it refuses that interpreter.
    """
    words = [find_uv(), "venv", "--quiet", "--python", str(python), str(directory)]
    command.run_command(words, timeout=START_TIMEOUT, env=env)
    return directory / "bin" / "python"


def install_packages(
    python: Path,
    wanted: Sequence[str],
    env: Mapping[str, str],
    *,
    until: str | None = None,
) -> None:
    """Install requirements or wheels, with dependencies uploaded before `until` (RFC 3339).

    Raises:
        CommandError: they cannot be installed together on this Python.
    """
    words = [find_uv(), "pip", "install", "--quiet", "--python", str(python)]
    words += ["--link-mode", "copy"]
    words += [] if until is None else ["--exclude-newer", until]
    command.run_command([*words, *wanted], timeout=INSTALL_TIMEOUT, env=env)


def uninstall_package(python: Path, name: str, env: Mapping[str, str]) -> None:
    """Uninstall one distribution, and keep what it required."""
    words = [find_uv(), "pip", "uninstall", "--quiet", "--python", str(python)]
    command.run_command([*words, name], timeout=INSTALL_TIMEOUT, env=env)


def resolve_dependencies(wheel: Path, python: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    """Resolve what installing a wheel would bring.

    Returns:
        Sorted `name==version`, without the wheel itself.

    Raises:
        CommandError: there is no solution on this Python.
    """
    words = [find_uv(), "pip", "compile", "--quiet", "--python", str(python)]
    words += ["--no-header", "--no-annotate", "--no-emit-package", wheel.name.split("-")[0]]
    listing = python.parent.parent / "wanted.in"
    listing.write_text(f"{wheel}\n", encoding="utf-8")
    out = command.run_command([*words, str(listing)], timeout=INSTALL_TIMEOUT, env=env)
    return tuple(sorted(line for line in out.splitlines() if "==" in line))


def sync_virtualenv(
    python: Path, wheel: Path, pinned: Sequence[str], env: Mapping[str, str]
) -> None:
    """Make a virtualenv contain exactly this wheel and these pins, whatever it had before."""
    listing = python.parent.parent / "wanted.txt"
    listing.write_text("\n".join([*pinned, str(wheel)]) + "\n", encoding="utf-8")
    words = [find_uv(), "pip", "sync", "--quiet", "--python", str(python)]
    command.run_command(
        [*words, "--link-mode", "copy", str(listing)], timeout=INSTALL_TIMEOUT, env=env
    )


def install_into_directory(
    directory: Path, python: Path, wanted: Sequence[str], env: Mapping[str, str]
) -> None:
    """Install requirements into a directory of their own, for a virtualenv's Python."""
    words = [find_uv(), "pip", "install", "--quiet", "--python", str(python)]
    words += ["--link-mode", "copy", "--target", str(directory)]
    command.run_command([*words, *wanted], timeout=INSTALL_TIMEOUT, env=env)


def list_installed_versions(python: Path, env: Mapping[str, str]) -> dict[str, str]:
    """List the distributions of a virtualenv: name → version."""
    words = [find_uv(), "pip", "freeze", "--quiet", "--python", str(python)]
    lines = command.run_command(words, timeout=START_TIMEOUT, env=env).splitlines()
    return dict(line.split("==", 1) for line in lines if "==" in line)


def find_record_mismatches(
    wheel: Path, python: Path, env: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Find installed files that differ from the wheel's RECORD: their paths, and how."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(
        command.run_command([str(python), "-c", code], timeout=START_TIMEOUT, env=env).strip()
    )
    wheel_archive = archive.parse_archive(wheel.read_bytes(), wheel.name)
    listing = next(m for m in wheel_archive.members if m.name.endswith(".dist-info/RECORD"))
    for entry in record.parse_record(listing.read()):
        if not entry.hash:
            continue
        path = site / entry.path
        if not path.is_file():
            yield entry.path, "it was not installed"
        elif record.make_record_hash(path.read_bytes()) != entry.hash:
            yield entry.path, "what was installed is another content"


def read_requires_python(wheel: Path) -> SpecifierSet:
    """Read the wheel's Requires-Python; without one, all Pythons are allowed."""
    wheel_archive = archive.parse_archive(wheel.read_bytes(), wheel.name)
    listing = next(m for m in wheel_archive.members if m.name.endswith(".dist-info/METADATA"))
    return SpecifierSet(
        ",".join(metadata.parse_metadata(listing.read()).get_values("Requires-Python"))
    )


def is_python_allowed(requires: SpecifierSet, python: str) -> bool:
    """Whether a version of Python is allowed.

    `3.7` counts as its latest micro release, so `>=3.7.1` allows it.
    """
    whole = python if python.count(".") > 1 else f"{python}.99"
    return requires.contains(whole, prereleases=True)
