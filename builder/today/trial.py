"""Try one wheel on one Python: install, import, start, request everything, compare, display."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import BuilderError
from builder.model import PACKAGE
from builder.system import command, virtualenvs
from builder.tensorboard.server import run_tensorboard
from builder.today.cell import GridCell
from builder.today.collector import collect_responses
from builder.today.compare import compare_responses, find_broken_responses, find_new_exceptions
from builder.today.normalise import normalise_responses
from builder.today.reference import ModeRecord
from builder.today.server_modes import find_exceptions, list_server_modes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from builder.tensorboard.server import TensorBoardServer
    from builder.today.reference import EraReference

_NOTEBOOK_DRIVER = Path(__file__).with_name("notebook_driver.py")
_IMPORT_CODE = (
    f"import {PACKAGE}, {PACKAGE}.main, {PACKAGE}.notebook, {PACKAGE}.program, "
    f"{PACKAGE}.backend.event_processing.event_accumulator"
)
_SHOWN = 5
# Upstream gives its data server ten seconds. On a busy machine that may be too few, so a mode is
# tried once more.
_DATA_SERVER_TIMEOUT = "Timed out while waiting for data server"


class TestEnvironment(NamedTuple):
    """Where a trial takes place.

    Attributes:
        python: of a virtualenv, which is made to hold what the wheel needs, and no more.
        ipython: a directory that holds IPython for that Python.
        logdir: what TensorBoard is started on.
        workdir: an empty directory for logs and TensorBoard's own files.
        env: the environment variables that programs start with.
    """

    python: Path
    ipython: Path
    logdir: Path
    workdir: Path
    env: Mapping[str, str]


class Trial(NamedTuple):
    """What is tried: a wheel file, its sha256, its release, and whether it is the stock wheel."""

    wheel: Path
    sha256: str
    release: str
    stock: bool


class _TrialRun:
    """Collects what each stage of a trial finds.

    Only a wheel that installs and imports is started.
    """

    def __init__(self, trial: Trial, test_env: TestEnvironment, reference: EraReference) -> None:
        self.trial = trial
        self.test_env = test_env
        self.reference = reference
        self.stages: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.packages: tuple[str, ...] = ()
        self.inherited: set[str] = set()
        self.answers = 0

    def run_stage(self, name: str, action: Callable[[], str]) -> bool:
        """Run a stage, for the first time or again; return whether nothing is wrong.

        A stage that runs again keeps the first problem that it found, and its seconds add up.

        Args:
            name: of the stage.
            action: returns what is wrong, or "".
        """
        began = time.monotonic()
        try:
            wrong = action()
        except BuilderError as error:
            virtualenv = str(self.test_env.python.parent.parent)
            wrong = f"{error.message}: {command.summarize_output(error.hint)}".replace(
                virtualenv, "<env>"
            )
        spent = self.seconds.get(name, 0) + time.monotonic() - began
        self.seconds[name] = round(spent, 2)
        self.stages[name] = self.stages.get(name) or wrong
        return not wrong

    def install_wheel(self) -> str:
        test_env, wheel = self.test_env, self.trial.wheel
        self.packages = virtualenvs.resolve_dependencies(wheel, test_env.python, test_env.env)
        virtualenvs.sync_virtualenv(test_env.python, wheel, self.packages, test_env.env)
        wrong = virtualenvs.find_record_mismatches(wheel, test_env.python, test_env.env)
        return "; ".join(f"{path}: {how}" for path, how in wrong)

    def import_modules(self) -> str:
        test_env = self.test_env
        argv = [str(test_env.python), "-c", _IMPORT_CODE]
        command.run_command(
            argv, timeout=virtualenvs.START_TIMEOUT, cwd=test_env.workdir, env=test_env.env
        )
        return ""

    def run_mode(self, name: str, flags: tuple[str, ...], *, display: bool) -> None:
        """Start the server in one mode, and check everything that it responds."""
        for attempts_left in (1, 0):
            try:
                self._run_mode_once(name, flags, display=display)
            except BuilderError as error:
                if attempts_left and _DATA_SERVER_TIMEOUT in error.hint:
                    continue
                self.stages["starts"] = f"{name}: {error.message}: {error.hint}"
            return

    def _run_mode_once(self, name: str, flags: tuple[str, ...], *, display: bool) -> None:
        test_env = self.test_env
        script = test_env.python.parent / PACKAGE
        era = self.reference.modes[name]
        began = time.monotonic()
        with run_tensorboard(
            script, test_env.logdir, test_env.workdir, test_env.env, flags
        ) as server:
            self.run_stage("starts", lambda: "")
            self.seconds["starts"] = round(time.monotonic() - began, 2)
            seen: dict[str, ModeRecord] = {}
            self.run_stage("serves", lambda: self._check_responses(server, era, name, seen))
            if name in seen:
                self.run_stage("equals", lambda: self._compare_with_era(era, seen[name], name))
            if display:
                self.run_stage("notebook", lambda: self._check_notebook(server))

    def _check_responses(
        self, server: TensorBoardServer, era: ModeRecord, name: str, seen: dict[str, ModeRecord]
    ) -> str:
        answers = normalise_responses(collect_responses(server, self.test_env.logdir, era.answers))
        log = server.log.read_text(encoding="utf-8", errors="replace")
        mode = seen[name] = ModeRecord(answers, find_exceptions(log))
        self.answers += len(answers)
        both = answers.keys() & era.answers.keys()
        self.inherited |= {
            k for k in both if min(answers[k]["status"], era.answers[k]["status"]) >= 500
        }
        return _format_first_problems(
            name, [*find_broken_responses(era.answers, answers), *find_new_exceptions(era, mode)]
        )

    def _compare_with_era(self, era: ModeRecord, mode: ModeRecord, name: str) -> str:
        return _format_first_problems(
            name, [str(d) for d in compare_responses(era.answers, mode.answers)]
        )

    def _check_notebook(self, server: TensorBoardServer) -> str:
        test_env = self.test_env
        port = server.url.rpartition(":")[2]
        argv = [str(test_env.python), str(_NOTEBOOK_DRIVER), str(test_env.ipython), port]
        shown = command.run_command(
            argv, timeout=virtualenvs.START_TIMEOUT, cwd=test_env.workdir, env=test_env.env
        )
        return "" if "<iframe" in shown else f"no frame: {command.summarize_output(shown)}"


def run_trial(
    trial: Trial, test_env: TestEnvironment, python: str, reference: EraReference
) -> GridCell:
    """Try a wheel; what the wheel does wrong is recorded and never raised."""
    trial_run = _TrialRun(trial, test_env, reference)
    if trial_run.run_stage("installs", trial_run.install_wheel) and trial_run.run_stage(
        "imports", trial_run.import_modules
    ):
        for k, (name, flags) in enumerate(list_server_modes(trial.release).items()):
            trial_run.run_mode(name, flags, display=k == 0)
    return GridCell(
        release=trial.release,
        python=python,
        wheel=trial.wheel.name,
        sha256=trial.sha256,
        stock=trial.stock,
        logdir=reference.logdir,
        date=datetime.now(UTC).date().isoformat(),
        stages=trial_run.stages,
        inherited=tuple(sorted(trial_run.inherited)),
        packages=trial_run.packages,
        answers=trial_run.answers,
        seconds=trial_run.seconds,
    )


def _format_first_problems(mode: str, wrong: list[str]) -> str:
    """Format the first few problems, and how many more there are."""
    more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    return "\n".join(f"{mode}: {line}" for line in [*wrong[:_SHOWN], *more])
