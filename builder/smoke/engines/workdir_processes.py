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
# Bytes. Linux accepts at most 6 MiB of arguments and environment variables (execve(2)).
_LARGEST_ENV = 8 * 1024 * 1024
# The fields 27, 50 and 51 (end_code, env_start, env_end), counted from the one behind the name.
_STAT_FIELDS = (24, 47, 48)
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
    if wait_for(lambda: _kill_once(workdir), _DEADLINE, every=0.05):
        return
    if processes := list_workdir_processes(workdir):
        pids = " ".join(str(process.pid) for process in processes)
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

    psutil's answer cannot be told from that of a process in execve(2) if a program has overwritten
    its variables (to change its title, for example). A thread of the operating system's kernel has
    no program, and no variables.

    Raises:
        psutil.Error, OSError: the process has ended, or belongs to another user.
    """
    if not psutil.LINUX:
        return process.environ()
    # One read(2) is of one program, even if the next one is started meanwhile.
    with Path(f"/proc/{process.pid}/environ").open("rb", buffering=0) as file:
        block = file.read(_LARGEST_ENV) or b""
    if block:
        lines = (line.partition("=") for line in os.fsdecode(block).split("\0"))
        return {name: value for name, _, value in lines}
    return {} if not process.exe() or _has_no_variables(process.pid) else None


def _has_no_variables(pid: int) -> bool:
    """Tell a process that has no environment variables (`env -i`) from one in execve(2).

    Neither has any to read. Linux writes the fields of /proc/PID/stat (proc(5)) in this order:
    env_start and env_end, which are equal until all variables are there; then end_code, which is 0
    before. All come from one read, as the process may go on between two.

    Raises:
        OSError: the process has ended.
    """
    stat = Path(f"/proc/{pid}/stat").read_bytes()
    # The name is in parentheses, and may have any character.
    fields = stat[stat.rindex(b")") + 1 :].split()
    end_code, env_start, env_end = (fields[i] for i in _STAT_FIELDS)
    return env_start == env_end and end_code != b"0"
