"""Many cells at once: releases and Pythons, resumable, with environments that are used again.

An environment is borrowed, made to hold exactly what a fresh installation would bring (`uv pip
sync` of today's resolution), used, and given back: the next cell of that Python then installs only
what differs, and what numpy and grpc have compiled stays compiled.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import PythonNotFoundError
from builder.system import virtualenvs
from builder.today import cell as cells
from builder.today import logdir as logdirs
from builder.today import reference as references
from builder.today.trial import Bench, Subject, attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from builder.system.pythons import PythonFinder
    from builder.system.settings import Environment
    from builder.today.cell import Cell


class Pair(NamedTuple):
    """A wheel and a Python that its Requires-Python allows."""

    subject: Subject
    python: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Where and how a grid is run.

    Attributes:
        references: the directory of the era references.
        reports: the directory of the cells that are done.
        environment: index and CA settings for uv.
        environ: the environment that programs start with.
        pythons: finds each pair's.
        jobs: how many cells at a time.
        fresh: do again what is done.
    """

    references: Path
    reports: Path
    environment: Environment
    environ: Mapping[str, str]
    pythons: PythonFinder
    jobs: int
    fresh: bool = False


def subject_of(wheel: Path, release: str, *, stock: bool) -> Subject:
    """A wheel file as something to try."""
    return Subject(wheel, hashlib.sha256(wheel.read_bytes()).hexdigest(), release, stock)


def pairs_of(subjects: Sequence[Subject], pythons: Sequence[str]) -> tuple[list[Pair], list[Pair]]:
    """Pairs to try, and pairs that pip itself refuses by the wheel's Requires-Python."""
    able: list[Pair] = []
    refused: list[Pair] = []
    for subject in subjects:
        allowed = virtualenvs.requires_python(subject.wheel)
        for python in pythons:
            fits = virtualenvs.allows_python(allowed, python)
            (able if fits else refused).append(Pair(subject, python))
    return able, refused


def sift_by_python(
    pairs: Sequence[Pair], pythons: PythonFinder
) -> tuple[list[Pair], dict[str, PythonNotFoundError]]:
    """Pairs whose Python is there, and why the other Pythons are not."""
    missing: dict[str, PythonNotFoundError] = {}
    for python in dict.fromkeys(pair.python for pair in pairs):
        try:
            pythons.find_python(python)
        except PythonNotFoundError as error:
            missing[python] = error
    return [pair for pair in pairs if pair.python not in missing], missing


def run_grid(pairs: Sequence[Pair], grid: Grid, report: Callable[[Cell, bool], None]) -> list[Cell]:
    """Try every pair that is not done yet.

    Args:
        pairs: what to try.
        grid: where and how.
        report: called from this thread for each cell, and whether it was done before.

    Returns:
        One cell for each pair, in no order.

    Raises:
        RequestError: a release has no era reference.
        PythonNotFoundError: a pair's Python is not there; `sift_by_python` tells it before.
    """
    done, left = _sift(pairs, grid)
    for cell in done:
        report(cell, True)
    known = {p.subject.release: references.load(p.subject.release, grid.references) for p in left}
    with (
        tempfile.TemporaryDirectory(prefix="today-") as name,
        ThreadPoolExecutor(max_workers=grid.jobs) as pool,
    ):
        room = _Room(Path(name), grid)

        def work(pair: Pair) -> Cell:
            with room.bench(pair.python) as bench:
                cell = attempt(pair.subject, bench, pair.python, known[pair.subject.release])
            cells.save(cell, grid.reports)
            return cell

        futures = [pool.submit(work, pair) for pair in left]
        try:
            for future in as_completed(futures):
                done.append(future.result())
                report(done[-1], False)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return done


def _sift(pairs: Sequence[Pair], grid: Grid) -> tuple[list[Cell], list[Pair]]:
    """Cells that are done for the same wheel and logdir, and the pairs that are left."""
    done: list[Cell] = []
    left: list[Pair] = []
    logdir = logdirs.digest()
    for pair in pairs:
        subject = pair.subject
        path = cells.path_of(grid.reports, subject.release, pair.python, subject.sha256)
        cell = None if grid.fresh else cells.load(path)
        if cell is not None and cell.logdir == logdir:
            done.append(cell)
        else:
            left.append(pair)
    return done, left


class _Room:
    """The directory of a run: the logdir, the environments that are free, IPython by Python."""

    def __init__(self, place: Path, grid: Grid) -> None:
        self._place = place
        self._grid = grid
        self._free: dict[str, list[Path]] = defaultdict(list)
        self._lock = threading.Lock()
        self._count = 0
        self._logdir = place / "logdir"
        logdirs.write(self._logdir)

    @contextmanager
    def bench(self, python: str) -> Iterator[Bench]:
        """A bench for as long as the block lasts."""
        with self._lock:
            self._count += 1
            number = self._count
            found = self._free[python].pop() if self._free[python] else None
        room = self._place / str(number)
        room.mkdir()
        environ = virtualenvs.clean_environ(self._grid.environment, self._grid.environ, room)
        home = self._place / f"env-{number}"
        if found is None:
            base = self._grid.pythons.find_python(python)
            found = virtualenvs.make_environment(home, base, environ)
        yield Bench(found, self._ipython(python, found, environ), self._logdir, room, environ)
        with self._lock:
            self._free[python].append(found)

    def _ipython(self, version: str, python: Path, environ: Mapping[str, str]) -> Path:
        place = self._place / f"ipython-{version}"
        with self._lock:  # installed once for each Python: the others wait the two seconds
            if not place.is_dir():
                virtualenvs.install_aside(place, python, ["ipython"], environ)
        return place
