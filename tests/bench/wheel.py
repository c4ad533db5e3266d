"""`bench wheel`: our build beside the hand recipes, and what of its time goes where.

Measured as whole processes, all from the cache: our build with all its checks, with all series and
with the one that has the patch of the hand recipes; the original recipe (unzip, patch, sed, zip);
`wheel unpack`, `git apply`, `wheel pack`. Started: a program of click's that prints its version;
ours, which prints its version or a plan. Within one process: patching and rewriting, and what
cannot be spared, to read, hash and write the file.
"""

from __future__ import annotations

import hashlib
import sys
import sysconfig
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import CommandError
from builder.model import IdentityKind
from builder.patching.identity import WheelNaming
from builder.patching.overlay import build_overlay
from builder.system import command
from tests.bench.measurement import Measurement, Way, measure_ways

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import psutil

    from builder.model import Release
    from builder.patching.series import Series

_TIMEOUT = 300.0
_EMPTY_PROGRAM = """
import click

@click.command()
@click.version_option("1")
def main():
    pass

main()
"""


def measure_wheel(
    release: Release,
    stock: bytes,
    all_series: Sequence[Series],
    patches: Path,
    env: Mapping[str, str],
    repeat: int,
) -> list[Measurement]:
    """Measure each way `repeat` times.

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
        build = ["build", release.version, "--offline", "--patches", str(patches)]
        plan = ["plan", release.version, "--offline", "--patches", str(patches)]
        only = ["--series", series.name]

        def make_way(
            group: str, name: str, run: Callable[[Path], None], *, is_reference: bool = False
        ) -> Way:
            return Way(group, name, partial(_time_in_new_directory, run, workdir), is_reference)

        ways = [
            make_way("build", "build, all series", partial(_run_ours, env, build)),
            make_way("build", f"build, only {series.name}", partial(_run_ours, env, build + only)),
            make_way(
                "build",
                "wheel unpack, git apply, wheel pack",
                partial(_run_wheel_tool, source, patch),
                is_reference=True,
            ),
            make_way(
                "build", "unzip, patch, sed, zip -r", partial(_run_hand_recipe, source, patch)
            ),
            make_way(
                "start",
                "empty program with click",
                partial(_run_program, [sys.executable, "-c", _EMPTY_PROGRAM, "--version"]),
                is_reference=True,
            ),
            make_way("start", "builder --version", partial(_run_ours, env, ["--version"])),
            make_way("start", "builder plan", partial(_run_ours, env, plan)),
            make_way(
                "in memory",
                f"patch with {series.name}, rewrite",
                partial(_run_overlay, release, source, [series]),
            ),
            make_way(
                "in memory",
                "only read, hash, write",
                partial(_run_lower_bound, source),
                is_reference=True,
            ),
        ]
        return measure_ways(ways, repeat)


def _time_in_new_directory(run: Callable[[Path], None], workdir: Path) -> float:
    directory = Path(tempfile.mkdtemp(dir=workdir))
    started = time.perf_counter()
    run(directory)
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
