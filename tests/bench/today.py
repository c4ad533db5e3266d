"""`bench today`: what our patches cost, compared with the stock wheel in the release's own era.

There are two virtualenvs with the same Python and the same dependencies, one with the stock
wheel and one with ours. What is measured are whole processes that import `tensorboard.main`,
and the time from the start of a server on the era references' logdir to its first response.
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from builder.errors import CommandError
from builder.model import PACKAGE
from builder.releases.eras import get_era
from builder.system import command, virtualenvs
from builder.system.command import summarize_output
from builder.system.ports import find_free_port
from builder.system.virtualenvs import START_TIMEOUT
from builder.tensorboard.server import TensorBoardServer
from builder.today import logdir as logdirs
from builder.wheel.names import parse_wheel_filename
from tests.bench.measurement import Measurement, Way, measure_ways, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from builder.context import RunContext
    from builder.model import Release

RATIO_GOAL = 1.10
# Seconds between two tries to reach a server: the time to its first response is rounded up to it.
_RETRY_INTERVAL = 0.005


class _BenchmarkEnv(NamedTuple):
    """A virtualenv's Python, an empty directory of its own, and environment variables."""

    python: Path
    workdir: Path
    env: Mapping[str, str]


def measure_today(
    release: Release, ours: Path, stock: bytes, context: RunContext, repeat: int
) -> list[Measurement]:
    """Measure the import and the first response of both wheels.

    Each is measured `repeat` times.

    Args:
        release: what is measured.
        ours: its wheel, built.
        stock: the stock wheel.
        context: the context of the run.
        repeat: how many turns.

    Raises:
        CommandError: a virtualenv cannot be made, or a server does not start.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        workdir = Path(name)
        path = workdir / release.wheel.filename
        path.write_bytes(stock)
        logdir = workdir / "logdir"
        logdirs.write_logdir(logdir)
        benchmark_envs = _make_benchmark_envs(
            release, {"stock": path, "ours": ours}, context, workdir
        )
        steps: dict[str, Callable[[_BenchmarkEnv], float]] = {
            "import": _time_import,
            "first answer": lambda benchmark_env: _time_first_response(benchmark_env, logdir),
        }
        return measure_ways(
            [
                Way(
                    f"{release.version} {step}",
                    which,
                    partial(run, benchmark_env),
                    is_reference=which == "stock",
                )
                for step, run in steps.items()
                for which, benchmark_env in benchmark_envs.items()
            ],
            repeat,
        )


def _make_benchmark_envs(
    release: Release, wheels: Mapping[str, Path], context: RunContext, workdir: Path
) -> dict[str, _BenchmarkEnv]:
    """Make the virtualenvs.

    Their dependencies are those that the stock wheel gets, and what ours needs besides.
    """
    era = get_era(release)
    found: dict[str, _BenchmarkEnv] = {}
    for which in wheels:
        directory = workdir / which
        directory.mkdir()
        env = context.make_clean_env(directory)
        base = context.pythons.find_python(era.python)
        python = virtualenvs.make_virtualenv(directory / "env", base, env)
        found[which] = _BenchmarkEnv(python, directory, env)
    python, clean = found["ours"].python, found["ours"].env
    virtualenvs.install_packages(python, [str(wheels["stock"])], clean, until=era.until)
    virtualenvs.uninstall_package(python, PACKAGE, clean)
    virtualenvs.install_packages(python, [str(wheels["ours"])], clean, until=era.until)
    versions = virtualenvs.list_installed_versions(python, clean)
    # 0.6.0, the only version then, is linked against OpenSSL 1.1, which current systems lack.
    if versions.get("tensorboard-data-server") == "0.6.0":
        versions["tensorboard-data-server"] = "0.6.1"
    pinned = [f"{name}=={version}" for name, version in versions.items()]
    for which, wheel in wheels.items():
        virtualenvs.sync_virtualenv(found[which].python, wheel, pinned, found[which].env)
        now = virtualenvs.list_installed_versions(found[which].python, found[which].env)
        _check_same_versions(versions, now, parse_wheel_filename(wheel.name).name)
    return found


def _check_same_versions(wanted: Mapping[str, str], found: Mapping[str, str], wheel: str) -> None:
    differ = {k for k in wanted.keys() | found.keys() if wanted.get(k) != found.get(k)} - {wheel}
    if differ:
        raise CommandError(
            f"the environments differ in {', '.join(sorted(differ))}", "measure another release"
        )


def _time_import(benchmark_env: _BenchmarkEnv) -> float:
    argv = [str(benchmark_env.python), "-c", f"import {PACKAGE}.main"]
    began = time.perf_counter()
    command.run_command(
        argv, timeout=START_TIMEOUT, cwd=benchmark_env.workdir, env=benchmark_env.env
    )
    return time.perf_counter() - began


def _time_first_response(benchmark_env: _BenchmarkEnv, logdir: Path) -> float:
    import requests

    port = find_free_port()
    argv = [
        str(benchmark_env.python.parent / PACKAGE),
        "--logdir",
        str(logdir),
        "--host",
        "127.0.0.1",
    ]
    log = benchmark_env.workdir / "server.log"
    began = time.perf_counter()
    with command.run_in_background(
        [*argv, "--port", str(port)], log=log, cwd=benchmark_env.workdir, env=benchmark_env.env
    ) as process:
        server = TensorBoardServer(f"http://127.0.0.1:{port}", log)
        while time.perf_counter() - began < START_TIMEOUT:
            try:
                server.send_request("/", timeout=START_TIMEOUT).raise_for_status()
            except requests.ConnectionError:
                if command.wait_for_exit(process, _RETRY_INTERVAL) is not None:
                    break
            else:
                return time.perf_counter() - began
        text = log.read_text(encoding="utf-8", errors="replace")
        raise CommandError("the server did not answer", summarize_output(text))


def to_today_rows(measurements: Sequence[Measurement]) -> list[tuple[str, ...]]:
    """Make table rows: what was measured, both medians in milliseconds, and their ratio."""
    return [
        (m.group, f"{m.reference * 1000:.0f}", f"{m.median * 1000:.0f}", f"{m.ratio:.2f}")
        for m in measurements
        if m.name == "ours"
    ]


def to_today_json(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Make the measurement's JSON document; times are in seconds."""
    return {"goal": RATIO_GOAL, **to_json(measurements)}
