"""Start other programs, from lists of arguments and never through a shell.

Apart from git, which GitPython starts, only this module starts programs; import-linter checks that
(pyproject.toml).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from builder.errors import CommandError
from builder.system.interruption import is_interrupted
from builder.system.known_secrets import hide_secret_lines
from builder.system.limits import GRACE_SECONDS
from builder.system.secret_variables import list_secret_variables
from builder.system.waiting import DeadlineError, run_with_deadline, wait_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

_TAIL_LINES, _TAIL_CHARS = 15, 4000
_END_SECONDS = 10.0  # seconds that a program in the background has to end by itself
_START_SECONDS = 10.0  # seconds that the start of a program may take on a busy machine


def run_command(
    words: Sequence[str],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    secrets: Collection[str] = (),
    stdin: str = "",
) -> str:
    """Run a program and wait until it ends; it is stopped if we stop waiting for it.

    Args:
        words: the program and its arguments.
        timeout: seconds until it is stopped.
        cwd: its working directory.
        env: all its environment variables, or None for ours; secrets are removed.
        secrets: names of secret variables that it needs and keeps.
        stdin: what it reads from standard input.

    Returns:
        What it wrote to standard output.

    Raises:
        CommandError: it is not installed, took too long, or failed; then the hint has the last
            lines of its output.
    """
    completed = _run_process(
        words, timeout, cwd, _remove_secrets(env, needed=secrets), subprocess.PIPE, stdin
    )
    if completed.returncode:
        lines = (completed.stdout + completed.stderr).strip().splitlines()[-_TAIL_LINES:]
        tail = hide_secret_lines("\n".join(lines)[-_TAIL_CHARS:])
        raise CommandError(f"{words[0]} failed with exit code {completed.returncode}", tail)
    return completed.stdout


def try_command(
    words: Sequence[str],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Run a program that may fail; the arguments are those of `run_command`.

    Returns:
        Its exit code, and what it wrote to standard output and standard error, interleaved.

    Raises:
        CommandError: it is not installed, or took too long.
    """
    completed = _run_process(words, timeout, cwd, _remove_secrets(env), subprocess.STDOUT)
    return completed.returncode, completed.stdout


def _run_process(
    words: Sequence[str],
    timeout: float,
    cwd: Path | None,
    env: dict[str, str],
    errors: int,
    stdin: str = "",
) -> subprocess.CompletedProcess[str]:
    started: list[subprocess.Popen[str]] = []
    ready, stopping = threading.Event(), threading.Event()

    def start_and_communicate() -> tuple[str, str]:
        # Here and not in the main thread: a signal's exception while it starts would lose it.
        try:
            started.append(
                subprocess.Popen(  # noqa: S603 - words, no shell
                    list(words),
                    cwd=cwd,
                    env=env,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    errors="replace",
                    # In its own process group, what it starts is stopped with it. It also has no
                    # terminal for prompts.
                    start_new_session=True,
                )
            )
        finally:
            ready.set()
        if stopping.is_set():
            stop_process_group(started[0])
        return started[0].communicate(stdin)

    def stop_process() -> None:
        stopping.set()
        if ready.wait(_START_SECONDS) and started:
            stop_process_group(started[0])

    try:
        output, error_output = run_with_deadline(
            start_and_communicate, timeout, words[0], stop_process
        )
    except FileNotFoundError as error:
        raise CommandError(f"{words[0]} is not installed", f"install {words[0]}") from error
    except DeadlineError as error:
        raise CommandError(
            f"{words[0]} took longer than {timeout:.0f} s", "look at what it waits for"
        ) from error
    return subprocess.CompletedProcess(words, started[0].returncode, output, error_output)


def stop_process_group(process: subprocess.Popen[Any]) -> None:
    """Stop a program that leads a process group, and all that it started in that group.

    SIGTERM comes first, so that it removes its locks and temporary files, then SIGKILL.
    """

    def is_group_empty() -> bool | None:
        process.poll()
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        return None

    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        # One that was killed may run for a moment; one that init does not remove stays longer.
        wait_for(is_group_empty, GRACE_SECONDS, every=0.01)


@contextmanager
def run_in_background(
    words: Sequence[str],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    descriptors: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the background during the block, then end it.

    It is sent SIGTERM, and SIGKILL if it still runs 10 seconds later, or 1 in an interrupted run.

    Args:
        words: the program and its arguments.
        log: the file for its output.
        cwd: its working directory.
        env: all its environment variables, or None for ours; secrets are removed.
        descriptors: our open file descriptors that it inherits under the same numbers.
    """
    with (
        log.open("wb") as sink,
        subprocess.Popen(  # noqa: S603 - words, no shell
            list(words),
            cwd=cwd,
            env=_remove_secrets(env),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            pass_fds=tuple(descriptors),
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=GRACE_SECONDS if is_interrupted() else _END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def start_command_on_socket(
    words: Sequence[str], *, over: int, log: Path
) -> subprocess.Popen[bytes]:
    """Start a program that communicates over a socket; the caller must end it.

    It runs in a session of its own, so Ctrl-C does not reach it and it has no terminal to prompt
    on.

    Args:
        words: the program and its arguments.
        over: the socket's file descriptor, which becomes its standard input and output.
        log: the file to which its standard error is appended.
    """
    with log.open("ab") as sink:
        return subprocess.Popen(  # noqa: S603 - words, no shell
            list(words),
            env=_remove_secrets(None),
            stdin=over,
            stdout=over,
            stderr=sink,
            start_new_session=True,
        )


def wait_for_exit(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Wait up to `seconds` for a program to end; its exit code, or None if it still runs."""
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None


def _remove_secrets(env: Mapping[str, str] | None, needed: Collection[str] = ()) -> dict[str, str]:
    whole = os.environ if env is None else env
    secrets = {*list_secret_variables(whole)} - {*needed}
    return {name: value for name, value in whole.items() if name not in secrets}


def find_program(program: str, directory: Path | None = None) -> str | None:
    """Find a program in a directory, or on PATH if none is given; None if it is not there."""
    return shutil.which(program, path=None if directory is None else str(directory))


def summarize_output(text: str) -> str:
    """Join the last three lines of a program's output, which mostly contain the reason."""
    return " ".join(" ".join(text.strip().splitlines()[-3:]).split()) or "no output"
