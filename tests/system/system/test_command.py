"""Programs that do not end: they are stopped with all that they started."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from builder.errors import CommandError, InterruptedRunError
from builder.system import command
from builder.system.command import run_command, try_command
from builder.system.interruption import record_interruption
from tests.support.processes import wait_until_ended
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# A program that ignores SIGTERM, and another one that it started and that holds its output open.
_STUBBORN = """trap '' TERM; sleep 600 & echo >"$MARK"/up; sleep 600; sleep 600"""
_GENEROUS = 60.0


def _env(tmp_path: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "MARK": str(tmp_path)}


def test_a_program_is_stopped_at_its_deadline_with_what_it_started(tmp_path: Path) -> None:
    """Its children held its output open, so that it was read for ten minutes."""
    with pytest.raises(CommandError, match="sh took longer than 1 s"):
        run_command(["sh", "-c", _STUBBORN], timeout=1, env=_env(tmp_path))
    assert wait_until_ended(tmp_path, _GENEROUS) == []


@pytest.mark.usefixtures("no_interruption")
def test_an_interruption_stops_a_program_in_any_thread(tmp_path: Path) -> None:
    """Python tells only the main thread of a signal."""
    errors: list[BaseException] = []

    def run_program() -> None:
        try:
            try_command(["sh", "-c", _STUBBORN], timeout=600, env=_env(tmp_path))
        except InterruptedRunError as error:
            errors.append(error)

    thread = threading.Thread(target=run_program)
    thread.start()
    while not (tmp_path / "up").exists():
        thread.join(0.05)
    record_interruption()
    thread.join(_GENEROUS)
    assert len(errors) == 1
    assert wait_until_ended(tmp_path, _GENEROUS) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_program_of_the_main_thread(
    number: signal.Signals, tmp_path: Path
) -> None:
    """As the command line does it, with its handlers."""
    code = (
        "import click, os\n"
        "from builder.cli import main\n"
        "from builder.system.command import run_command\n"
        "@click.command()\n"
        "def wait(): run_command(['sh', '-c', os.environ['SCRIPT']], timeout=600)\n"
        "main([], wait)\n"
    )
    env = {**_env(tmp_path), "PYTHONPATH": str(ROOT), "SCRIPT": _STUBBORN}
    with subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.PIPE) as process:
        while not (tmp_path / "up").exists():
            assert command.wait_for_exit(process, 0.05) is None
        process.send_signal(number)
        _, errors = process.communicate(timeout=_GENEROUS)
    assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[number], errors
    assert wait_until_ended(tmp_path, _GENEROUS) == []


def test_what_a_program_is_given_and_says_arrives_whole() -> None:
    """More than a pipe holds, both ways."""
    text = "0123456789abcdef\n" * 100_000
    assert run_command(["cat"], timeout=60, stdin=text) == text
