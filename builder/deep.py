"""B: behaviour. The wheel is installed into a throwaway environment, imported, started and asked.

The environment is the release's own era (`builder.era`), made by uv with copies instead of links:
a file edited through a hard link once spoiled uv's cache and every later environment.
"""

from __future__ import annotations

import os
import socket
import sysconfig
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from builder import command
from builder.checks.content import ROOT_ELEMENTS
from builder.checks.table import DEEP_CODES
from builder.era import era_of
from builder.errors import CommandError
from builder.model import PACKAGE, Finding, Standing
from builder.wheel import archive, record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.era import Era
    from builder.model import Release
    from builder.settings import Environment

# Seconds. An environment with TensorFlow takes the longest on a slow mirror.
_INSTALL = 900.0
_START = 120.0
_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS", "VIRTUAL_ENV", "PYTHONSTARTUP")


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
) -> list[Finding]:
    """All B codes for a wheel.

    Args:
        wheel: what to install and start.
        stock: its stock wheel, tried too where something is found: what it fails as well is
            inherited.
        release: what it was made from; None leaves everything unchecked.
        environment: index and CA settings for uv.
        environ: the environment that programs start with.

    Raises:
        CommandError: uv is missing, or the era's environment cannot be made.
    """
    if release is None:
        why = "its release is unknown, and so is its era"
        return [Finding(code, "", why, Standing.UNCHECKED) for code in DEEP_CODES]
    found = _try(wheel, release, environment, environ)
    if not found or stock is None:
        return found
    known = {f.code for f in _try(stock, release, environment, environ)}
    return [replace(f, standing=Standing.INHERITED) if f.code in known else f for f in found]


def _try(
    tried: WheelBytes, release: Release, environment: Environment, environ: Mapping[str, str]
) -> list[Finding]:
    with tempfile.TemporaryDirectory(prefix="deep-") as name:
        room = Path(name)
        wheel = room / tried.filename
        wheel.write_bytes(tried.content)
        return list(_check(wheel, era_of(release), room, _environ(environment, environ, room)))


def uv_program() -> str:
    """uv, from our own environment or from PATH.

    Raises:
        CommandError: it is in neither.
    """
    found = command.find("uv", Path(sysconfig.get_path("scripts"))) or command.find("uv")
    if found is None:
        raise CommandError(
            "--deep makes a throwaway environment with uv, and there is no uv",
            "pip install 'tensorboard-proxy-wheels[deep]'",
        )
    return found


def _check(wheel: Path, era: Era, room: Path, environ: dict[str, str]) -> Iterator[Finding]:
    python = _make_environment(room / "env", era, environ)
    install = [uv_program(), "pip", "install", "--quiet", "--python", str(python)]
    install += ["--link-mode", "copy", "--exclude-newer", era.until]
    try:
        if era.first:
            command.run([*install, *era.first], timeout=_INSTALL, env=environ)
            removal = [uv_program(), "pip", "uninstall", "--quiet", "--python", str(python)]
            command.run([*removal, PACKAGE], timeout=_INSTALL, env=environ)
        command.run([*install, str(wheel)], timeout=_INSTALL, env=environ)
    except CommandError as error:
        yield Finding("B801", "", f"{error.message}: {_tail(error.hint)}")
        return
    yield from _installed(wheel, python, environ)
    try:
        code = f"import {PACKAGE}, {PACKAGE}.notebook"
        command.run([str(python), "-c", code], timeout=_START, cwd=room, env=environ)
    except CommandError as error:
        yield Finding("B802", "", _tail(error.hint))
    script = python.parent / PACKAGE
    try:
        # 1.13.x has no --version.
        command.run([str(script), "--help"], timeout=_START, cwd=room, env=environ)
    except CommandError as error:
        yield Finding("B803", "", f"{error.message}: {_tail(error.hint)}")
        return
    problem = _serve(script, room, environ)
    if problem is not None:
        yield Finding("B804", "", problem)


def _make_environment(place: Path, era: Era, environ: dict[str, str]) -> Path:
    words = [uv_program(), "venv", "--quiet", "--python", era.python, str(place)]
    command.run(words, timeout=_INSTALL, env=environ)
    return place / "bin" / "python"


def _installed(wheel: Path, python: Path, environ: dict[str, str]) -> Iterator[Finding]:
    """What lies in the environment against the wheel's own RECORD."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(command.run([str(python), "-c", code], timeout=_START, env=environ).strip())
    made = archive.parse(wheel.read_bytes(), wheel.name)
    listing = next(m for m in made.members if m.name.endswith(".dist-info/RECORD"))
    for entry in record.parse(listing.read()):
        if not entry.hash:
            continue
        path = site / entry.path
        if not path.is_file():
            yield Finding("B801", entry.path, "it was not installed")
        elif record.digest(path.read_bytes()) != entry.hash:
            yield Finding("B801", entry.path, "what was installed is another content")


def _serve(script: Path, room: Path, environ: dict[str, str]) -> str | None:
    """Start the server on an empty logdir and look at its page; what is wrong, or None."""
    import requests

    logdir = room / "logdir"
    logdir.mkdir()
    port = _free_port()
    words = [str(script), "--logdir", str(logdir), "--host", "127.0.0.1", "--port", str(port)]
    log = room / "server.log"
    deadline = time.monotonic() + _START
    with (
        command.running(words, log=log, cwd=room, env=environ) as server,
        requests.Session() as web,
    ):
        web.trust_env = False  # a proxy has no business on the loopback
        while time.monotonic() < deadline:
            try:
                answer = web.get(f"http://127.0.0.1:{port}/", timeout=10)
            except requests.ConnectionError:
                answer = None
            if answer is not None:
                found = any(element in answer.content for element in ROOT_ELEMENTS)
                return (
                    None if found else f"it answers {answer.status_code} without the root element"
                )
            code = command.pause(server, 0.2)
            if code is not None:
                said = _tail(log.read_text(errors="replace"))
                return f"it ended with exit code {code}: {said}"
    return f"it did not answer within {_START:.0f} s"


def _environ(environment: Environment, environ: Mapping[str, str], room: Path) -> dict[str, str]:
    kept = {k: v for k, v in environ.items() if k not in _FOREIGN}
    # TensorBoard keeps its list of running servers in TMPDIR: ours must not meet the user's.
    kept["TMPDIR"] = str(room)
    if environment.index_url is not None:
        kept["UV_DEFAULT_INDEX"] = environment.index_url
    if environment.ca_bundle is not None and os.path.isfile(environment.ca_bundle):  # noqa: PTH113
        kept["SSL_CERT_FILE"] = environment.ca_bundle
    return kept


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(text: str) -> str:
    """The end of a program's output as one line; the reason mostly stands in the last lines."""
    return " ".join(" ".join(text.strip().splitlines()[-3:]).split()) or "no output"
