"""`bench wheel`: our build compared with the hand recipes, our start with click's, and the floor.

Measured as whole processes from a warm cache: our build with all its checks, with all series
and with the one patch that the hand recipes apply; the original recipe (unzip, patch, sed,
zip); `wheel unpack`, `git apply`, `wheel pack`. Starts: a program of click's that prints its
version, and ours that prints its version or a plan. Measured within one process: patching and
rewriting alone, and the floor, which is to read, hash and write the same file.
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import CommandError
from builder.model import IdentityKind
from builder.patching.identity import WheelNaming
from builder.patching.overlay import build_overlay
from builder.system import command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import psutil

    from builder.model import Release
    from builder.patching.series import Series

_TIMEOUT = 300.0
_CLICK_ALONE = """
import click

@click.command()
@click.version_option("1")
def main():
    pass

main()
"""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One way to do the job.

    Attributes:
        name: what was run.
        group: `process` (whole processes), `start` (what these need before they do anything), or
            `core` (within one process).
        seconds: every repetition's wall time, in seconds.
    """

    name: str
    group: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median, in seconds."""
        return statistics.median(self.seconds)


def measure_wheel(
    release: Release,
    stock: bytes,
    all_series: Sequence[Series],
    patches: Path,
    env: Mapping[str, str],
    repeat: int,
) -> list[Measurement]:
    """Run every way `repeat` times, in turns, so that a busy machine slows all of them alike.

    Args:
        release: what is built.
        stock: its stock wheel.
        all_series: what our build applies.
        patches: the directory that holds the series.
        env: the user's environment variables.
        repeat: how many turns.

    Raises:
        CommandError: unzip, zip, git or the wheel tool is missing or failed, or the release has no
            patch, so that there is nothing to compare.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        workdir = Path(name)
        source = workdir / release.wheel.filename
        source.write_bytes(stock)
        series, patch = _find_first_patch(release, patches, all_series)
        alone = ("--series", series.name)
        ways = {
            ("build, all series", "process"): lambda at: _run_our_build(
                release, patches, env, (), at
            ),
            ("build, that patch", "process"): lambda at: _run_our_build(
                release, patches, env, alone, at
            ),
            ("wheel unpack, git apply, wheel pack", "process"): lambda at: _run_wheel_tool(
                source, patch, at
            ),
            ("unzip, patch, sed, zip -r", "process"): lambda at: _run_hand_recipe(
                source, patch, at
            ),
            ("click alone, --version", "start"): lambda at: _run_program(
                [sys.executable, "-c", _CLICK_ALONE, "--version"], at
            ),
            ("--version", "start"): lambda at: _run_ours(env, ["--version"], at),
            ("plan", "start"): lambda at: _run_ours(
                env, ["plan", release.version, "--offline", "--patches", str(patches)], at
            ),
            ("patch and rewrite", "core"): lambda at: _run_overlay(release, source, [series], at),
            ("floor: read, sha256, write", "core"): lambda at: _run_lower_bound(source, at),
        }
        times: dict[tuple[str, str], list[float]] = {key: [] for key in ways}
        for turn in range(repeat):
            for number, (key, way) in enumerate(ways.items()):
                directory = workdir / f"{turn}-{number}"
                directory.mkdir()
                times[key].append(_time_way(way, directory))
    return [Measurement(*key, tuple(seconds)) for key, seconds in times.items()]


def _time_way(way: Callable[[Path], None], directory: Path) -> float:
    started = time.perf_counter()
    way(directory)
    return time.perf_counter() - started


def _find_first_patch(
    release: Release, patches: Path, all_series: Sequence[Series]
) -> tuple[Series, Path]:
    for series in all_series:
        for patch in series.find_patches(release.version):
            return series, patches / series.name / patch.file
    raise CommandError(f"no patch serves {release.version}", "measure another release")


def _run_program(
    argv: Sequence[str], directory: Path, env: Mapping[str, str] | None = None
) -> None:
    command.run_command(argv, timeout=_TIMEOUT, cwd=directory, env=env)


def _run_ours(env: Mapping[str, str], words: Sequence[str], directory: Path) -> None:
    _run_program([sys.executable, "-m", "builder", *words], directory, _make_env(env))


def _run_our_build(
    release: Release, patches: Path, env: Mapping[str, str], options: Sequence[str], directory: Path
) -> None:
    words = ["build", release.version, "--offline", "--patches", str(patches), "--output", "dist"]
    _run_ours(env, [*words, *options], directory)


def _run_wheel_tool(source: Path, patch: Path, directory: Path) -> None:
    wheel = str(Path(sysconfig.get_path("scripts")) / "wheel")
    _run_program([wheel, "unpack", str(source)], directory)
    (tree,) = directory.iterdir()
    _run_program(["git", "apply", str(patch)], tree)
    _run_program([wheel, "pack", str(tree), "--dest-dir", str(directory)], directory)


def _run_hand_recipe(source: Path, patch: Path, directory: Path) -> None:
    name, version = source.name.split("-")[:2]
    old, new = (f"{n}-{version}.dist-info" for n in (name, "tensorboardtmp"))
    _run_program(["unzip", "-q", str(source)], directory)
    _run_program(["patch", "-s", "-p1", "-i", str(patch)], directory)
    _run_program(["sed", "-i", "s/^Name: .*/Name: tensorboardtmp/", f"{old}/METADATA"], directory)
    _run_program(["mv", old, new], directory)
    _run_program(
        ["zip", "-q", "-r", f"tensorboardtmp-{version}-py3-none-any.whl", name, new], directory
    )


def _run_overlay(
    release: Release, source: Path, all_series: Sequence[Series], directory: Path
) -> None:
    content = source.read_bytes()
    hashlib.sha256(content).hexdigest()
    identity = WheelNaming(IdentityKind.TEST, "tensorboardtmp").make_identity(release.version)
    overlay = build_overlay(release, content, all_series, identity)
    with (directory / overlay.filename).open("wb") as file:
        file.writelines(overlay.pieces)


def _run_lower_bound(source: Path, directory: Path) -> None:
    content = source.read_bytes()
    hashlib.sha256(content).hexdigest()
    (directory / source.name).write_bytes(content)


def measure_all_releases(patches: Path, env: Mapping[str, str], jobs: int) -> dict[str, float]:
    """Measure `build all` as one process tree.

    Returns:
        The wall time in seconds, the peak of all resident sets in MB, the numbers of jobs and of
        releases.

    Raises:
        CommandError: it failed.
    """
    import psutil

    argv = [sys.executable, "-m", "builder", "build", "all", "--offline", "--jobs", str(jobs)]
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        started = time.perf_counter()
        peak = 0
        argv += ["--patches", str(patches), "--output", str(directory / "dist")]
        with command.run_in_background(
            argv, log=directory / "log", cwd=directory, env=_make_env(env)
        ) as process:
            watched = psutil.Process(process.pid)
            while process.poll() is None:
                peak = max(peak, _sum_resident_memory(watched))
                command.wait_for_exit(process, 0.01)
        if process.returncode:
            raise CommandError("build all failed", (directory / "log").read_text()[-500:])
        took = time.perf_counter() - started
        releases = len(list((directory / "dist").glob("*.whl")))
        return {"seconds": took, "peak_mb": peak / 1e6, "jobs": jobs, "releases": releases}


def _make_env(env: Mapping[str, str]) -> dict[str, str]:
    """Make the env in which this package is found from any directory, installed or not."""
    return {**env, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


def _sum_resident_memory(process: psutil.Process) -> int:
    import psutil

    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += int(one.memory_info().rss)
        except psutil.Error:
            continue  # the process has just ended
    return total
