"""Throwaway Python environments, made by uv with copies instead of links.

A file edited through a hard link once spoiled uv's cache and every later environment, so nothing
here is ever linked, and `not_as_recorded` compares what lies there with the wheel's own RECORD.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from builder.errors import CommandError, extra_hint
from builder.system import command
from builder.wheel import archive, metadata, record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.system.settings import Environment

# Seconds. An environment with TensorFlow takes the longest on a slow mirror.
INSTALL = 900.0
START = 120.0
_FOREIGN = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONWARNINGS",
    "VIRTUAL_ENV",
    # Some systems set it; a new environment then compiles all of TensorFlow at each start.
    "PYTHONDONTWRITEBYTECODE",
)


def uv_program() -> str:
    """uv, from our own environment or from PATH.

    Raises:
        CommandError: it is in neither.
    """
    found = command.find("uv", Path(sysconfig.get_path("scripts"))) or command.find("uv")
    if found is None:
        raise CommandError(
            "throwaway environments are made with uv, and there is no uv", extra_hint("deep")
        )
    return found


def uv_environ(environment: Environment, environ: Mapping[str, str]) -> dict[str, str]:
    """What uv starts with: no foreign Python settings, and the index and CAs of the user's pip."""
    kept = {k: v for k, v in environ.items() if k not in _FOREIGN}
    if environment.index_url is not None:
        kept["UV_DEFAULT_INDEX"] = environment.index_url
    if environment.ca_bundle is not None and os.path.isfile(environment.ca_bundle):  # noqa: PTH113
        kept["SSL_CERT_FILE"] = environment.ca_bundle
    return kept


def clean_environ(
    environment: Environment, environ: Mapping[str, str], room: Path
) -> dict[str, str]:
    """What programs start with: as uv does, with `room` as TMPDIR.

    TensorBoard keeps its list of running servers in TMPDIR: ours must not meet the user's.
    """
    return {**uv_environ(environment, environ), "TMPDIR": str(room)}


def make_environment(place: Path, python: Path, environ: Mapping[str, str]) -> Path:
    """An empty environment, without setuptools; the path of its Python.

    Args:
        place: where it is made.
        python: the interpreter that it is for, as `PythonFinder` finds it.
        environ: for uv.

    Raises:
        CommandError: there is no uv, or it refuses that interpreter.
    """
    words = [uv_program(), "venv", "--quiet", "--python", str(python), str(place)]
    command.run(words, timeout=START, env=environ)
    return place / "bin" / "python"


def install(
    python: Path,
    wanted: Sequence[str],
    environ: Mapping[str, str],
    *,
    until: str | None = None,
) -> None:
    """Install requirements or wheels, with dependencies uploaded before `until` (RFC 3339).

    Raises:
        CommandError: they cannot be installed together on this Python.
    """
    words = [uv_program(), "pip", "install", "--quiet", "--python", str(python)]
    words += ["--link-mode", "copy"]
    words += [] if until is None else ["--exclude-newer", until]
    command.run([*words, *wanted], timeout=INSTALL, env=environ)


def uninstall(python: Path, name: str, environ: Mapping[str, str]) -> None:
    """Remove one distribution and leave what it required."""
    words = [uv_program(), "pip", "uninstall", "--quiet", "--python", str(python)]
    command.run([*words, name], timeout=INSTALL, env=environ)


def resolve(wheel: Path, python: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """What a fresh installation of a wheel would bring, as sorted `name==version`, itself left out.

    Raises:
        CommandError: there is no solution on this Python.
    """
    words = [uv_program(), "pip", "compile", "--quiet", "--python", str(python)]
    words += ["--no-header", "--no-annotate", "--no-emit-package", wheel.name.split("-")[0]]
    listing = python.parent.parent / "wanted.in"
    listing.write_text(f"{wheel}\n", encoding="utf-8")
    out = command.run([*words, str(listing)], timeout=INSTALL, env=environ)
    return tuple(sorted(line for line in out.splitlines() if "==" in line))


def sync(python: Path, wheel: Path, pinned: Sequence[str], environ: Mapping[str, str]) -> None:
    """Make an environment hold exactly this wheel and these pins, whatever it held before."""
    listing = python.parent.parent / "wanted.txt"
    listing.write_text("\n".join([*pinned, str(wheel)]) + "\n", encoding="utf-8")
    words = [uv_program(), "pip", "sync", "--quiet", "--python", str(python)]
    command.run([*words, "--link-mode", "copy", str(listing)], timeout=INSTALL, env=environ)


def install_aside(
    place: Path, python: Path, wanted: Sequence[str], environ: Mapping[str, str]
) -> None:
    """Install requirements into a directory of their own, for an environment's Python."""
    words = [uv_program(), "pip", "install", "--quiet", "--python", str(python)]
    words += ["--link-mode", "copy", "--target", str(place)]
    command.run([*words, *wanted], timeout=INSTALL, env=environ)


def installed_versions(python: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Name → version of every distribution there."""
    words = [uv_program(), "pip", "freeze", "--quiet", "--python", str(python)]
    lines = command.run(words, timeout=START, env=environ).splitlines()
    return dict(line.split("==", 1) for line in lines if "==" in line)


def not_as_recorded(
    wheel: Path, python: Path, environ: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Paths that lie in the environment otherwise than the wheel's RECORD says, and how."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(command.run([str(python), "-c", code], timeout=START, env=environ).strip())
    made = archive.parse(wheel.read_bytes(), wheel.name)
    listing = next(m for m in made.members if m.name.endswith(".dist-info/RECORD"))
    for entry in record.parse(listing.read()):
        if not entry.hash:
            continue
        path = site / entry.path
        if not path.is_file():
            yield entry.path, "it was not installed"
        elif record.digest(path.read_bytes()) != entry.hash:
            yield entry.path, "what was installed is another content"


def requires_python(wheel: Path) -> SpecifierSet:
    """The wheel's Requires-Python, which allows all where it has none."""
    made = archive.parse(wheel.read_bytes(), wheel.name)
    listing = next(m for m in made.members if m.name.endswith(".dist-info/METADATA"))
    return SpecifierSet(",".join(metadata.parse(listing.read()).values("Requires-Python")))


def allows_python(requires: SpecifierSet, python: str) -> bool:
    """Whether a Python may do; of `3.7`, any micro release: `>=3.7.1` does not exclude it."""
    whole = python if python.count(".") > 1 else f"{python}.99"
    return requires.contains(whole, prereleases=True)
