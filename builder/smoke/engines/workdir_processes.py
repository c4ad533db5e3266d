"""Processes of a run, wherever they went: who starts one hands on the run's directory with it.

A TensorBoard belongs to nobody once its kernel is gone: it is in no process group of ours and has
no parent that we know. Its environment still says whose HOME and TMPDIR it was given.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil

from builder.errors import SmokeError
from builder.system.waiting import wait_for

# Seconds that a killed process may take to go, and one to become another program.
_DEADLINE = 10.0
_EXEC = 1.0
# Not PWD: the shell of somebody who looks into the directory is none of ours.
_HANDED_ON = ("HOME", "TMPDIR", "JUPYTER_RUNTIME_DIR")


def list_workdir_processes(workdir: Path) -> list[psutil.Process]:
    """The processes that live in that directory by their environment, we ourselves left out.

    Those of other users cannot be looked at, and are none of ours.
    """
    return [
        p for p in psutil.process_iter() if p.pid != os.getpid() and _is_in_workdir(p, str(workdir))
    ]


def kill_workdir_processes(workdir: Path) -> None:
    """Kill them, until there are none: one may have started another in the meantime.

    Raises:
        SmokeError: some do not go.
    """
    if wait_for(lambda: _kill_once(workdir), _DEADLINE, every=0.05) is None:
        pids = " ".join(str(process.pid) for process in list_workdir_processes(workdir))
        raise SmokeError(
            f"processes of a smoke test do not end within {_DEADLINE:.0f} s: {pids}",
            f"kill -9 {pids}",
        )


def _kill_once(workdir: Path) -> bool | None:
    """Kill those that are there; True if there were none."""
    left = list_workdir_processes(workdir)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return None if left else True


def _is_in_workdir(process: psutil.Process, workdir: str) -> bool:
    try:
        env = wait_for(lambda: _read_process_env(process), _EXEC, every=0.001) or {}
    except (psutil.Error, OSError):
        return False
    return any(Path(env.get(name, "/")).is_relative_to(workdir) for name in _HANDED_ON)


def _read_process_env(process: psutil.Process) -> dict[str, str] | None:
    """Its environment; None in the middle of execve(2), when it has none and no words either.

    A kernel's own thread has no program; one without an environment (`env -i`) has its words.
    """
    env = process.environ()
    if env or not process.exe():
        return env
    # Asked again: it may have got both since the first look.
    return process.environ() if process.cmdline() else None
