"""The one door to other programs: started with a list of words, never through a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from builder.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

_TAIL_LINES = 15
# What publishing works with, and programs that we start have no business to see.
_SECRET_PREFIXES = ("TWINE_", "UV_PUBLISH_", "ACTIONS_ID_TOKEN_", "GITHUB_TOKEN", "GH_TOKEN")


def run_command(
    words: Sequence[str],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    secrets: Collection[str] = (),
) -> str:
    """Run a program to its end.

    Args:
        words: the program and its arguments.
        timeout: seconds until it is killed.
        cwd: where it runs.
        env: its whole environment, or None for ours; without secrets.
        secrets: the variables of these that it needs all the same.

    Returns:
        What it wrote to standard output.

    Raises:
        CommandError: it is not there, failed, or took too long; the last lines are in the hint.
    """
    done = _run_process(words, timeout, cwd, _remove_secrets(env, needed=secrets), subprocess.PIPE)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_TAIL_LINES:])
        raise CommandError(f"{words[0]} failed with exit code {done.returncode}", tail)
    return done.stdout


def try_command(
    words: Sequence[str],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Run a program that may fail; the arguments are those of `run_command`.

    Returns:
        Its exit code, and what it wrote to standard output and standard error, as it came.

    Raises:
        CommandError: it is not there, or took too long.
    """
    done = _run_process(words, timeout, cwd, _remove_secrets(env), subprocess.STDOUT)
    return done.returncode, done.stdout


def _run_process(
    words: Sequence[str],
    timeout: float,
    cwd: Path | None,
    env: dict[str, str],
    errors: int,
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - words, no shell
            list(words),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandError(f"{words[0]} is not installed", f"install {words[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(
            f"{words[0]} took longer than {timeout:.0f} s", "look at what it waits for"
        ) from error


@contextmanager
def run_in_background(
    words: Sequence[str],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    descriptors: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the background for as long as the block lasts, then end it.

    Args:
        words: the program and its arguments.
        log: the file that gets its output.
        cwd: where it runs.
        env: its whole environment, or None for ours; without secrets.
        descriptors: open files of ours that it gets too, under the same numbers.
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
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def start_command_on_socket(
    words: Sequence[str], *, over: int, log: Path
) -> subprocess.Popen[bytes]:
    """Start a program that talks to somebody over a socket; it is the caller's to end.

    It is in a session of its own: Ctrl-C is not for it, and it has no terminal to ask on.

    Args:
        words: the program and its arguments.
        over: the socket's descriptor, its standard input and output.
        log: the file to which its standard error is added.
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
    """Wait so long, or until the program ends; its exit code, or None while it runs."""
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None


def _remove_secrets(env: Mapping[str, str] | None, needed: Collection[str] = ()) -> dict[str, str]:
    whole = os.environ if env is None else env
    return {k: v for k, v in whole.items() if k in needed or not k.startswith(_SECRET_PREFIXES)}


def find_program(program: str, directory: Path | None = None) -> str | None:
    """Where a program is, in that directory or else on PATH; None if it is not there."""
    return shutil.which(program, path=None if directory is None else str(directory))


def summarize_output(text: str) -> str:
    """The end of a program's output as one line; the reason mostly stands in the last lines."""
    return " ".join(" ".join(text.strip().splitlines()[-3:]).split()) or "no output"
