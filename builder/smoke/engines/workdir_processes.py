"""Find and kill the processes of a run, by the working directory in their environment variables.

Once its kernel has ended, a TensorBoard is in no process group of ours and has no parent that we
know. But it has inherited its HOME and TMPDIR, which are in the run's working directory.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil

from builder.errors import SmokeError
from builder.system.waiting import wait_for

# Seconds: until killed processes must have ended, and until an execve(2) must be complete.
_DEADLINE = 10.0
_EXEC = 1.0
# Not PWD: a shell that somebody opened in the directory is not part of the run.
_HANDED_ON = ("HOME", "TMPDIR", "JUPYTER_RUNTIME_DIR")


def list_workdir_processes(workdir: Path) -> list[psutil.Process]:
    """List the processes whose environment variables name that directory, except our own.

    Those of other users cannot be read; they are not part of the run.
    """
    return [
        p for p in psutil.process_iter() if p.pid != os.getpid() and _is_in_workdir(p, str(workdir))
    ]


def kill_workdir_processes(workdir: Path) -> None:
    """Kill these processes until there are none left: one may start another in the meantime.

    Raises:
        SmokeError: some do not end.
    """
    if wait_for(lambda: _kill_once(workdir), _DEADLINE, every=0.05) is None:
        pids = " ".join(str(process.pid) for process in list_workdir_processes(workdir))
        raise SmokeError(
            f"processes of a smoke test do not end within {_DEADLINE:.0f} s: {pids}",
            f"kill -9 {pids}",
        )


def _kill_once(workdir: Path) -> bool | None:
    """Kill the processes that are there now; True if there were none, else None."""
    processes = list_workdir_processes(workdir)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return None if processes else True


def _is_in_workdir(process: psutil.Process, workdir: str) -> bool:
    try:
        env = wait_for(lambda: _read_process_env(process), _EXEC, every=0.001) or {}
    except (psutil.Error, OSError):
        return False
    return any(Path(env.get(name, "/")).is_relative_to(workdir) for name in _HANDED_ON)


def _read_process_env(process: psutil.Process) -> dict[str, str] | None:
    """Read the environment variables of a process; None in the middle of execve(2).

    A thread of the operating system's kernel has no program, and no environment variables.
    """
    env = process.environ()
    return env if env or not process.exe() or _has_empty_env(process.pid) else None


def _has_empty_env(pid: int) -> bool:
    """Tell a process that has no environment variables (`env -i`) from one in execve(2).

    To Linux, both have none to read. But the fields env_start and env_end of /proc/PID/stat
    (proc(5)) are 0 until execve(2) has written them, and one read gives both. Asking for anything
    else in two steps is not enough: between them another execve(2) may begin.

    Raises:
        OSError: there is no such process, or no /proc.
    """
    after_name = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    env_start, env_end = after_name[47:49]
    return env_start == env_end != "0"
