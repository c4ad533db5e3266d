"""B checks: install the wheel into a throwaway virtualenv, import it, start it, request its page.

The virtualenv is of the release's own era (`builder.releases.eras`). uv makes it with copies
instead of links: a file edited through a hard link once corrupted uv's cache and every virtualenv
made later.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from builder.checks.table import DEEP_CODES
from builder.errors import CommandError
from builder.model import PACKAGE, Finding, FindingStatus
from builder.releases.eras import get_era
from builder.system import command, virtualenvs
from builder.system.command import summarize_output
from builder.system.files import make_temporary_directory
from builder.system.virtualenvs import START_TIMEOUT
from builder.tensorboard.page import has_root_element
from builder.tensorboard.server import run_tensorboard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.context import RunContext
    from builder.model import Release
    from builder.releases.eras import Era


class WheelBytes(NamedTuple):
    """A wheel in memory: its file name and its content."""

    filename: str
    content: bytes


def check_behaviour(
    wheel: WheelBytes,
    stock: WheelBytes | None,
    release: Release | None,
    context: RunContext,
) -> list[Finding]:
    """Run all B checks on a wheel.

    Args:
        wheel: the wheel to install and start.
        stock: its stock wheel, checked too if there are findings: those that it has as well are
            inherited. None to mark none as inherited.
        release: the release that it was made from; None leaves everything unchecked.
        context: the context of the run, whose Pythons have the era's.

    Raises:
        CommandError: uv or the era's Python is missing, or the virtualenv cannot be made.
        IndexLookupError: the release's upload time is unknown, and so is its era.
    """
    if release is None:
        why = "its release is unknown, and so is its era"
        return [Finding(code, "", why, FindingStatus.UNCHECKED) for code in DEEP_CODES]
    era = get_era(release)
    python = context.pythons.find_python(era.python)
    found = _check_in_workdir(wheel, era, python, context)
    if not found or stock is None:
        return found
    known = {(f.code, f.subject) for f in _check_in_workdir(stock, era, python, context)}
    return [
        replace(f, status=FindingStatus.INHERITED) if (f.code, f.subject) in known else f
        for f in found
    ]


def _check_in_workdir(
    tried: WheelBytes,
    era: Era,
    python: Path,
    context: RunContext,
) -> list[Finding]:
    with make_temporary_directory("tensorboard-wheels-deep-") as name:
        workdir = Path(name)
        wheel = workdir / tried.filename
        wheel.write_bytes(tried.content)
        return list(
            _run_behaviour_checks(wheel, era, python, workdir, context.make_clean_env(workdir))
        )


def _run_behaviour_checks(
    wheel: Path, era: Era, base: Path, workdir: Path, env: dict[str, str]
) -> Iterator[Finding]:
    python = virtualenvs.make_virtualenv(workdir / "env", base, env)
    try:
        if era.first:
            # TensorFlow brings a TensorBoard of its own.
            virtualenvs.install_packages(python, era.first, env, until=era.until)
            virtualenvs.uninstall_package(python, PACKAGE, env)
        virtualenvs.install_packages(python, [str(wheel)], env, until=era.until)
    except CommandError as error:
        yield Finding("B801", "", f"{error.message}: {summarize_output(error.hint)}")
        return
    yield from _check_installed_files(wheel, python, env)
    try:
        code = f"import {PACKAGE}, {PACKAGE}.notebook"
        command.run_command([str(python), "-c", code], timeout=START_TIMEOUT, cwd=workdir, env=env)
    except CommandError as error:
        yield Finding("B802", "", summarize_output(error.hint))
    script = python.parent / PACKAGE
    try:
        # Not --version, which 1.13.x does not have.
        command.run_command([str(script), "--help"], timeout=START_TIMEOUT, cwd=workdir, env=env)
    except CommandError as error:
        yield Finding("B803", "", f"{error.message}: {summarize_output(error.hint)}")
        return
    problem = _find_server_problem(script, workdir, env)
    if problem is not None:
        yield Finding("B804", "", problem)


def _check_installed_files(wheel: Path, python: Path, env: dict[str, str]) -> Iterator[Finding]:
    """Compare the installed files with the wheel's own RECORD."""
    for path, how in virtualenvs.find_record_mismatches(wheel, python, env):
        yield Finding("B801", path, how)


def _find_server_problem(script: Path, workdir: Path, env: dict[str, str]) -> str | None:
    """Start the server on an empty logdir, request its page, and return the problem, or None."""
    logdir = workdir / "logdir"
    logdir.mkdir()
    try:
        with run_tensorboard(script, logdir, workdir, env) as server:
            answer = server.send_request("/", timeout=10)
    except CommandError as error:
        return f"{error.message}: {error.hint}"
    found = has_root_element(answer.content)
    return None if found else f"it answers {answer.status_code} without the root element"
