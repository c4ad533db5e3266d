"""`bench today`: what the mends cost beside the stock wheel, both in the release's own era.

Two environments with the same Python and the same dependencies, one with the stock wheel and one
with ours: whole processes that import `tensorboard.main`, and from the start of a server on the
oracle's logdir to its first answer. In turns, so that a busy machine slows both alike.
"""

from __future__ import annotations

import platform
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from builder.bench.wheel import Measurement
from builder.errors import CommandError
from builder.model import PACKAGE
from builder.releases.eras import era_of
from builder.system import command, virtualenvs
from builder.system.command import tail
from builder.system.machine import cores
from builder.system.ports import free_port
from builder.system.virtualenvs import START
from builder.tensorboard.server import Server
from builder.today import logdir as logdirs
from builder.wheel.names import parse_filename

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from builder.context import Workshop
    from builder.model import Release

GOAL = 1.10
# Seconds between two tries to reach a server: what the answer's time is rounded up to.
_GRAIN = 0.005


class _Bench(NamedTuple):
    """An environment and an empty directory of its own."""

    python: Path
    room: Path
    environ: Mapping[str, str]


def measure_today(
    release: Release, ours: Path, workshop: Workshop, repeat: int
) -> list[Measurement]:
    """Import and first answer of both wheels, `repeat` times each, after one turn that warms up.

    Args:
        release: what is measured.
        ours: its wheel, built.
        workshop: has the stock wheel.
        repeat: how many turns.

    Raises:
        CommandError: an environment cannot be made, or a server does not start.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        room = Path(name)
        stock = room / release.wheel.filename
        stock.write_bytes(workshop.stock(release).content)
        logdir = room / "logdir"
        logdirs.write(logdir)
        benches = _benches(release, {"stock": stock, "ours": ours}, workshop, room)
        ways: dict[str, Callable[[_Bench], float]] = {
            "import": _import,
            "first answer": lambda bench: _first_answer(bench, logdir),
        }
        times: dict[tuple[str, str], list[float]] = {(b, w): [] for w in ways for b in benches}
        for turn in range(repeat + 1):
            # Who goes second finds a warmer machine: that is each in turn.
            order = list(benches.items())[:: 1 if turn % 2 else -1]
            for way, act in ways.items():
                for which, bench in order:
                    spent = act(bench)
                    if turn:
                        times[which, way].append(spent)
    return [
        Measurement(which, f"{release.version} {way}", tuple(seconds))
        for (which, way), seconds in times.items()
    ]


def _benches(
    release: Release, wheels: Mapping[str, Path], workshop: Workshop, room: Path
) -> dict[str, _Bench]:
    """The environments: dependencies as the stock wheel gets them, and what ours needs besides."""
    era = era_of(release)
    found: dict[str, _Bench] = {}
    for which in wheels:
        place = room / which
        place.mkdir()
        environ = virtualenvs.clean_environ(workshop.environment, workshop.environ, place)
        base = workshop.pythons.find_python(era.python)
        python = virtualenvs.make_environment(place / "env", base, environ)
        found[which] = _Bench(python, place, environ)
    python, clean = found["ours"].python, found["ours"].environ
    virtualenvs.install(python, [str(wheels["stock"])], clean, until=era.until)
    virtualenvs.uninstall(python, PACKAGE, clean)
    virtualenvs.install(python, [str(wheels["ours"])], clean, until=era.until)
    versions = virtualenvs.installed_versions(python, clean)
    # 0.6.0, the only one then, is linked against OpenSSL 1.1, which current systems lack.
    if versions.get("tensorboard-data-server") == "0.6.0":
        versions["tensorboard-data-server"] = "0.6.1"
    pinned = [f"{name}=={version}" for name, version in versions.items()]
    for which, wheel in wheels.items():
        virtualenvs.sync(found[which].python, wheel, pinned, found[which].environ)
        now = virtualenvs.installed_versions(found[which].python, found[which].environ)
        _same(versions, now, parse_filename(wheel.name).name)
    return found


def _same(wanted: Mapping[str, str], found: Mapping[str, str], wheel: str) -> None:
    differ = {k for k in wanted.keys() | found.keys() if wanted.get(k) != found.get(k)} - {wheel}
    if differ:
        raise CommandError(
            f"the environments differ in {', '.join(sorted(differ))}", "measure another release"
        )


def _import(bench: _Bench) -> float:
    words = [str(bench.python), "-c", f"import {PACKAGE}.main"]
    began = time.perf_counter()
    command.run(words, timeout=START, cwd=bench.room, env=bench.environ)
    return time.perf_counter() - began


def _first_answer(bench: _Bench, logdir: Path) -> float:
    import requests

    port = free_port()
    words = [str(bench.python.parent / PACKAGE), "--logdir", str(logdir), "--host", "127.0.0.1"]
    log = bench.room / "server.log"
    began = time.perf_counter()
    with command.running(
        [*words, "--port", str(port)], log=log, cwd=bench.room, env=bench.environ
    ) as process:
        server = Server(f"http://127.0.0.1:{port}", log)
        while time.perf_counter() - began < START:
            try:
                server.ask("/", timeout=START).raise_for_status()
            except requests.ConnectionError:
                if command.pause(process, _GRAIN) is not None:
                    break
            else:
                return time.perf_counter() - began
        text = log.read_text(encoding="utf-8", errors="replace")
        raise CommandError("the server did not answer", tail(text))


def ratio(measurements: Sequence[Measurement], group: str) -> float:
    """Ours to stock, of the medians."""
    medians = {m.name: m.median for m in measurements if m.group == group}
    return medians["ours"] / medians["stock"]


def rows(measurements: Sequence[Measurement]) -> list[tuple[str, ...]]:
    """What was measured, both medians in milliseconds, and the ratio."""
    medians = {(m.group, m.name): f"{m.median * 1000:.0f}" for m in measurements}
    return [
        (g, medians[g, "stock"], medians[g, "ours"], f"{ratio(measurements, g):.2f}")
        for g in dict.fromkeys(m.group for m in measurements)
    ]


def to_json(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """The measurement for machines; times in seconds."""
    return {
        "goal": GOAL,
        "machine": {"cores": cores(), "python": platform.python_version()},
        "ways": [
            {
                "name": m.name,
                "group": m.group,
                "median": m.median,
                "ratio": ratio(measurements, m.group) if m.name == "ours" else 1.0,
                "seconds": list(m.seconds),
            }
            for m in measurements
        ],
    }
