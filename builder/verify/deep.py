"""B: behaviour. The wheel is installed into a throwaway environment, imported, started and asked.

The environment is the release's own era (`builder.releases.eras`), made by uv with copies instead
of links: a file edited through a hard link once spoiled uv's cache and every later environment.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from builder.checks.table import DEEP_CODES
from builder.errors import CommandError
from builder.model import PACKAGE, Finding, Standing
from builder.releases.eras import era_of
from builder.system import command, virtualenvs
from builder.system.command import tail
from builder.system.virtualenvs import START, clean_environ
from builder.tensorboard.page import has_root_element
from builder.tensorboard.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.model import Release
    from builder.releases.eras import Era
    from builder.system.pythons import PythonFinder
    from builder.system.settings import Environment


class WheelBytes(NamedTuple):
    """A wheel that is not on disk: its file name and its content."""

    filename: str
    content: bytes


def check_behaviour(
    wheel: WheelBytes,
    stock: WheelBytes | None,
    release: Release | None,
    environment: Environment,
    environ: Mapping[str, str],
    pythons: PythonFinder,
) -> list[Finding]:
    """All B codes for a wheel.

    Args:
        wheel: what to install and start.
        stock: its stock wheel, tried too where something is found: what it fails as well is
            inherited.
        release: what it was made from; None leaves everything unchecked.
        environment: index and CA settings for uv.
        environ: the environment that programs start with.
        pythons: finds the era's.

    Raises:
        CommandError: uv or the era's Python is missing, or its environment cannot be made.
    """
    if release is None:
        why = "its release is unknown, and so is its era"
        return [Finding(code, "", why, Standing.UNCHECKED) for code in DEEP_CODES]
    era = era_of(release)
    python = pythons.find_python(era.python)
    found = _try(wheel, era, python, environment, environ)
    if not found or stock is None:
        return found
    known = {(f.code, f.subject) for f in _try(stock, era, python, environment, environ)}
    return [
        replace(f, standing=Standing.INHERITED) if (f.code, f.subject) in known else f
        for f in found
    ]


def _try(
    tried: WheelBytes,
    era: Era,
    python: Path,
    environment: Environment,
    environ: Mapping[str, str],
) -> list[Finding]:
    with tempfile.TemporaryDirectory(prefix="deep-") as name:
        room = Path(name)
        wheel = room / tried.filename
        wheel.write_bytes(tried.content)
        return list(_check(wheel, era, python, room, clean_environ(environment, environ, room)))


def _check(
    wheel: Path, era: Era, base: Path, room: Path, environ: dict[str, str]
) -> Iterator[Finding]:
    python = virtualenvs.make_environment(room / "env", base, environ)
    try:
        if era.first:
            virtualenvs.install(python, era.first, environ, until=era.until)
            virtualenvs.uninstall(python, PACKAGE, environ)
        virtualenvs.install(python, [str(wheel)], environ, until=era.until)
    except CommandError as error:
        yield Finding("B801", "", f"{error.message}: {tail(error.hint)}")
        return
    yield from _installed(wheel, python, environ)
    try:
        code = f"import {PACKAGE}, {PACKAGE}.notebook"
        command.run([str(python), "-c", code], timeout=START, cwd=room, env=environ)
    except CommandError as error:
        yield Finding("B802", "", tail(error.hint))
    script = python.parent / PACKAGE
    try:
        # 1.13.x has no --version.
        command.run([str(script), "--help"], timeout=START, cwd=room, env=environ)
    except CommandError as error:
        yield Finding("B803", "", f"{error.message}: {tail(error.hint)}")
        return
    problem = _serve(script, room, environ)
    if problem is not None:
        yield Finding("B804", "", problem)


def _installed(wheel: Path, python: Path, environ: dict[str, str]) -> Iterator[Finding]:
    """What lies in the environment against the wheel's own RECORD."""
    for path, how in virtualenvs.not_as_recorded(wheel, python, environ):
        yield Finding("B801", path, how)


def _serve(script: Path, room: Path, environ: dict[str, str]) -> str | None:
    """Start the server on an empty logdir and look at its page; what is wrong, or None."""
    logdir = room / "logdir"
    logdir.mkdir()
    try:
        with serving(script, logdir, room, environ) as server:
            answer = server.ask("/", timeout=10)
    except CommandError as error:
        return f"{error.message}: {error.hint}"
    found = has_root_element(answer.content)
    return None if found else f"it answers {answer.status_code} without the root element"
