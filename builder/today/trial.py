"""Try one wheel on one Python: install, import, start, ask everything, compare, display."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import BuilderError
from builder.model import PACKAGE
from builder.system import command, virtualenvs
from builder.tensorboard.server import serving
from builder.today.asking import collect
from builder.today.cell import Cell
from builder.today.compare import broken, compare, new_exceptions
from builder.today.modes import exceptions, modes_of
from builder.today.normalise import normalise
from builder.today.reference import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from builder.tensorboard.server import Server
    from builder.today.reference import Reference

_DRIVER = Path(__file__).with_name("notebook_driver.py")
_IMPORT = (
    f"import {PACKAGE}, {PACKAGE}.main, {PACKAGE}.notebook, {PACKAGE}.program, "
    f"{PACKAGE}.backend.event_processing.event_accumulator"
)
_SHOWN = 5
# Upstream gives its data server ten seconds; on a busy machine that may be too few once.
_SLOW = "Timed out while waiting for data server"


class Bench(NamedTuple):
    """Where a trial takes place.

    Attributes:
        python: of an environment; what it holds is made to be what the wheel needs, and no more.
        ipython: a directory that holds IPython for that Python.
        logdir: what is shown.
        room: an empty directory for logs and TensorBoard's own files.
        environ: the environment that programs start with.
    """

    python: Path
    ipython: Path
    logdir: Path
    room: Path
    environ: Mapping[str, str]


class Subject(NamedTuple):
    """What is tried: a wheel file, its sha256, its release, and whether it is the stock wheel."""

    wheel: Path
    sha256: str
    release: str
    stock: bool


class _Trial:
    """Collects what each stage says; a stage that fails ends the trial."""

    def __init__(self, subject: Subject, bench: Bench, reference: Reference) -> None:
        self.subject = subject
        self.bench = bench
        self.reference = reference
        self.stages: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.packages: tuple[str, ...] = ()
        self.inherited: set[str] = set()
        self.answers = 0

    def stage(self, name: str, action: Callable[[], str]) -> bool:
        """Run a stage (again): `action` gives what is wrong; whether nothing is."""
        began = time.monotonic()
        try:
            wrong = action()
        except BuilderError as error:
            home = str(self.bench.python.parent.parent)
            wrong = f"{error.message}: {command.tail(error.hint)}".replace(home, "<env>")
        spent = self.seconds.get(name, 0) + time.monotonic() - began
        self.seconds[name] = round(spent, 2)
        self.stages[name] = self.stages.get(name) or wrong
        return not wrong

    def install(self) -> str:
        bench, wheel = self.bench, self.subject.wheel
        self.packages = virtualenvs.resolve(wheel, bench.python, bench.environ)
        virtualenvs.sync(bench.python, wheel, self.packages, bench.environ)
        wrong = virtualenvs.not_as_recorded(wheel, bench.python, bench.environ)
        return "; ".join(f"{path}: {how}" for path, how in wrong)

    def imports(self) -> str:
        bench = self.bench
        words = [str(bench.python), "-c", _IMPORT]
        command.run(words, timeout=virtualenvs.START, cwd=bench.room, env=bench.environ)
        return ""

    def run(self, name: str, flags: tuple[str, ...], *, display: bool) -> None:
        """Start the server in one mode, and judge everything that it answers."""
        for attempts_left in (1, 0):
            try:
                self._run_once(name, flags, display=display)
            except BuilderError as error:
                if attempts_left and _SLOW in error.hint:
                    continue
                self.stages["starts"] = f"{name}: {error.message}: {error.hint}"
            return

    def _run_once(self, name: str, flags: tuple[str, ...], *, display: bool) -> None:
        bench = self.bench
        script = bench.python.parent / PACKAGE
        era = self.reference.modes[name]
        began = time.monotonic()
        with serving(script, bench.logdir, bench.room, bench.environ, flags) as server:
            self.stage("starts", lambda: "")
            self.seconds["starts"] = round(time.monotonic() - began, 2)
            seen: dict[str, Mode] = {}
            self.stage("serves", lambda: self._serves(server, era, name, seen))
            if name in seen:
                self.stage("equals", lambda: self._equals(era, seen[name], name))
            if display:
                self.stage("notebook", lambda: self._displays(server))

    def _serves(self, server: Server, era: Mode, name: str, seen: dict[str, Mode]) -> str:
        answers = normalise(collect(server, self.bench.logdir, era.answers))
        log = server.log.read_text(encoding="utf-8", errors="replace")
        mode = seen[name] = Mode(answers, exceptions(log))
        self.answers += len(answers)
        both = answers.keys() & era.answers.keys()
        self.inherited |= {
            k for k in both if min(answers[k]["status"], era.answers[k]["status"]) >= 500
        }
        return _first(name, [*broken(era.answers, answers), *new_exceptions(era, mode)])

    def _equals(self, era: Mode, mode: Mode, name: str) -> str:
        return _first(name, [str(d) for d in compare(era.answers, mode.answers)])

    def _displays(self, server: Server) -> str:
        bench = self.bench
        port = server.url.rpartition(":")[2]
        words = [str(bench.python), str(_DRIVER), str(bench.ipython), port]
        shown = command.run(words, timeout=virtualenvs.START, cwd=bench.room, env=bench.environ)
        return "" if "<iframe" in shown else f"no frame: {command.tail(shown)}"


def attempt(subject: Subject, bench: Bench, python: str, reference: Reference) -> Cell:
    """Try a wheel; never raises for what the wheel does."""
    trial = _Trial(subject, bench, reference)
    if trial.stage("installs", trial.install) and trial.stage("imports", trial.imports):
        for k, (name, flags) in enumerate(modes_of(subject.release).items()):
            trial.run(name, flags, display=k == 0)
    return Cell(
        release=subject.release,
        python=python,
        wheel=subject.wheel.name,
        sha256=subject.sha256,
        stock=subject.stock,
        logdir=reference.logdir,
        date=datetime.now(UTC).date().isoformat(),
        stages=trial.stages,
        inherited=tuple(sorted(trial.inherited)),
        packages=trial.packages,
        answers=trial.answers,
        seconds=trial.seconds,
    )


def _first(mode: str, wrong: list[str]) -> str:
    """The first few of what is wrong, and how many more there are."""
    more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    return "\n".join(f"{mode}: {line}" for line in [*wrong[:_SHOWN], *more])
