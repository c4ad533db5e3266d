"""Run many cells at once: releases and Pythons, resumable, with virtualenvs that are reused.

A virtualenv is taken from a pool, made to hold exactly what a fresh installation would bring
(`uv pip sync` of today's resolution), used, and given back. The next cell of that Python then
installs only what differs, and what numpy and grpc have compiled stays compiled.
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from builder.errors import PythonNotFoundError
from builder.system import virtualenvs
from builder.system.files import make_temporary_directory
from builder.system.waiting import iterate_completed
from builder.today import cell as cells
from builder.today import logdir as logdirs
from builder.today import reference as references
from builder.today.trial import TestEnvironment, Trial, run_trial
from builder.verify.wheel_file import read_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from builder.context import RunContext
    from builder.system.pythons import PythonFinder
    from builder.today.cell import GridCell


class GridPair(NamedTuple):
    """A wheel and a Python that its Requires-Python allows."""

    trial: Trial
    python: str


class GridOptions(msgspec.Struct, frozen=True):
    """Where and how a grid is run.

    Attributes:
        context: the context of the run, whose Pythons have each pair's.
        references: the directory of the era references.
        reports: the directory of the finished cells.
        jobs: how many cells at a time.
        fresh: run finished cells again.
    """

    context: RunContext
    references: Path
    reports: Path
    jobs: int
    fresh: bool = False


def make_trial(wheel: Path, release: str, *, stock: bool) -> Trial:
    """Make a trial of a wheel file.

    Raises:
        WheelError: the file cannot be read.
    """
    return Trial(wheel, hashlib.sha256(read_wheel(wheel)).hexdigest(), release, stock)


def make_pairs(
    trials: Sequence[Trial], pythons: Sequence[str]
) -> tuple[list[GridPair], list[GridPair]]:
    """Pair wheels with Pythons.

    Returns:
        Pairs to try, and pairs that pip itself refuses by the wheel's Requires-Python.
    """
    able: list[GridPair] = []
    refused: list[GridPair] = []
    for trial in trials:
        allowed = virtualenvs.read_requires_python(trial.wheel)
        for python in pythons:
            fits = virtualenvs.is_python_allowed(allowed, python)
            (able if fits else refused).append(GridPair(trial, python))
    return able, refused


def split_by_python(
    pairs: Sequence[GridPair], pythons: PythonFinder
) -> tuple[list[GridPair], dict[str, PythonNotFoundError]]:
    """Separate the pairs whose Python is on this machine.

    Returns:
        These pairs, and for each missing Python the error that says why.
    """
    missing: dict[str, PythonNotFoundError] = {}
    for python in dict.fromkeys(pair.python for pair in pairs):
        try:
            pythons.find_python(python)
        except PythonNotFoundError as error:
            missing[python] = error
    return [pair for pair in pairs if pair.python not in missing], missing


def run_grid(
    pairs: Sequence[GridPair], grid: GridOptions, report: Callable[[GridCell, bool], None]
) -> list[GridCell]:
    """Try every pair that has no finished cell yet.

    Args:
        pairs: what to try.
        grid: where and how.
        report: called from this thread for each cell, and whether it was finished before.

    Returns:
        One cell for each pair, in no order.

    Raises:
        RequestError: a release has no era reference.
        PythonNotFoundError: a pair's Python is not there; `split_by_python` finds that before.
    """
    done, left = _split_finished_pairs(pairs, grid)
    for cell in done:
        report(cell, True)
    known = {
        p.trial.release: references.load_reference(p.trial.release, grid.references) for p in left
    }
    with (
        make_temporary_directory("tensorboard-wheels-today-") as name,
        ThreadPoolExecutor(max_workers=grid.jobs) as pool,
    ):
        virtualenv_pool = _VirtualenvPool(Path(name), grid)

        def run_pair(pair: GridPair) -> GridCell:
            with virtualenv_pool.acquire_test_env(pair.python) as test_env:
                cell = run_trial(pair.trial, test_env, pair.python, known[pair.trial.release])
            cells.save_cell(cell, grid.reports)
            return cell

        futures = [pool.submit(run_pair, pair) for pair in left]
        try:
            for future in iterate_completed(futures):
                done.append(future.result())
                report(done[-1], False)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return done


def _split_finished_pairs(
    pairs: Sequence[GridPair], grid: GridOptions
) -> tuple[list[GridCell], list[GridPair]]:
    """Separate the finished cells for the same wheel and logdir from the pairs that are left."""
    done: list[GridCell] = []
    left: list[GridPair] = []
    logdir = logdirs.digest_logdir()
    for pair in pairs:
        trial = pair.trial
        path = cells.get_cell_path(grid.reports, trial.release, pair.python, trial.sha256)
        cell = None if grid.fresh else cells.load_cell(path)
        if cell is not None and cell.logdir == logdir:
            done.append(cell)
        else:
            left.append(pair)
    return done, left


class _VirtualenvPool:
    """A run's directory: the logdir, the virtualenvs that are free, and IPython for each Python."""

    def __init__(self, place: Path, grid: GridOptions) -> None:
        self._root = place
        self._options = grid
        self._free_virtualenvs: dict[str, list[Path]] = defaultdict(list)
        self._lock = threading.Lock()
        self._count = 0
        self._logdir = place / "logdir"
        logdirs.write_logdir(self._logdir)

    @contextmanager
    def acquire_test_env(self, python: str) -> Iterator[TestEnvironment]:
        """Take a virtualenv from the pool, or make one, for as long as the block lasts."""
        with self._lock:
            self._count += 1
            number = self._count
            found = self._free_virtualenvs[python].pop() if self._free_virtualenvs[python] else None
        workdir = self._root / str(number)
        workdir.mkdir()
        env = self._options.context.make_clean_env(workdir)
        virtualenv = self._root / f"env-{number}"
        if found is None:
            base = self._options.context.pythons.find_python(python)
            found = virtualenvs.make_virtualenv(virtualenv, base, env)
        yield TestEnvironment(
            found, self._install_ipython(python, found, env), self._logdir, workdir, env
        )
        with self._lock:
            self._free_virtualenvs[python].append(found)

    def _install_ipython(self, version: str, python: Path, env: Mapping[str, str]) -> Path:
        directory = self._root / f"ipython-{version}"
        with self._lock:  # installed once for each Python: other threads wait two seconds
            if not directory.is_dir():
                virtualenvs.install_into_directory(directory, python, ["ipython"], env)
        return directory
