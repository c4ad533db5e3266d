"""Starts git, through GitPython: without prompts, hooks or surprises.

`builder.cli.main` has removed git's variables from os.environ before; other callers must do so.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from itertools import takewhile
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from builder.errors import SourceError
from builder.git.git_environment import make_git_variables
from builder.system import command
from builder.system.redact import redact_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from builder.git.remote import Remote
    from builder.system.settings import UserSettings

# `git merge-tree --write-tree` is of 2.38.
_OLDEST_GIT = (2, 38)
_POLL_SECONDS = 0.2  # seconds between two looks at the clock and at Ctrl-C


class GitResult(NamedTuple):
    """What a git command wrote, and how it ended."""

    returncode: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """Standard output as text, without the line end."""
        return self.stdout.decode(errors="replace").rstrip("\n")

    @property
    def error_line(self) -> str:
        """The line of standard error that says most: the last one that git calls an error."""
        # Of a repository that it cannot read, git says the cause before and advice behind that.
        cause = self.stderr.partition("fatal: Could not read from remote repository.")[0]
        text = cause if cause.strip() else self.stderr
        lines = [line for line in text.splitlines() if line.strip()]
        reported = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR:"))]
        return (reported or lines or [f"exit code {self.returncode}"])[-1]


class GitRunner:
    """Runs git in one directory.

    Args:
        directory: where git starts; a repository, or any directory for `clone`.
        environ: the user's environment, which says how to reach a server.
        settings: proxy and certificates that the user configured.
        remotes: those whose users and passwords git may ask for.
        offline: let git reach no repository at all.
        check_cancelled: asked now and then while git runs; raises when the run was interrupted.
    """

    def __init__(
        self,
        directory: Path,
        env: Mapping[str, str],
        settings: UserSettings,
        *,
        remotes: Iterable[Remote] = (),
        offline: bool = False,
        check_cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        self._variables = make_git_variables(env, settings, remotes, offline=offline)
        self.directory = directory
        self.check_cancelled = check_cancelled

    def run_git(
        self,
        *words: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 600,
        accepted_codes: Sequence[int] | None = (0,),
    ) -> GitResult:
        """Run one git command to its end; it dies with us.

        Args:
            words: its arguments, none of them secret.
            stdin: what it reads.
            env: variables of this command alone.
            timeout: seconds until it is killed.
            accepted_codes: exit codes that are no failure; None for any.

        Raises:
            SourceError: it failed, or took too long.
            InterruptedRunError: the run was called off.
        """
        with _open_stdin(stdin) as given, self._start_git(words, env, given) as process:
            try:
                stdout, stderr = self._wait_for_output(process, _find_subcommand(words), timeout)
            except BaseException:
                _stop_process(process)
                raise
        done = GitResult(
            process.returncode, stdout, redact_credentials(stderr.decode(errors="replace"))
        )
        if accepted_codes is not None and done.returncode not in accepted_codes:
            failed = f"git {_find_subcommand(words)} failed: {done.error_line}"
            raise SourceError(failed, _find_hint(done.stderr))
        return done

    def _wait_for_output(
        self, process: subprocess.Popen[bytes], word: str, timeout: float
    ) -> tuple[bytes, bytes]:
        """What it writes. It is asked in short steps, as Ctrl-C reaches the main thread alone."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                return process.communicate(timeout=_POLL_SECONDS)
            except subprocess.TimeoutExpired as error:
                self.check_cancelled()
                if time.monotonic() > deadline:
                    raise SourceError(
                        f"git {word} took longer than {timeout:.0f} s",
                        "look at the network and at --upstream, then run it again",
                    ) from error

    def _start_git(
        self, words: Sequence[str], env: Mapping[str, str] | None, stdin: BinaryIO | None
    ) -> subprocess.Popen[bytes]:
        from git import Git

        git_command = Git(self.directory)
        git_command.update_environment(**(self._variables | dict(env or {})))
        started = git_command.execute(
            ["git", *words],
            istream=stdin,
            as_process=True,
            # A group of its own, so that what git starts ends with it; and no terminal to ask on.
            start_new_session=True,
        )
        process = started.proc
        started.proc = None
        if process is None:
            raise SourceError("git did not start", "look at the git on PATH")
        return process


def _find_subcommand(words: Sequence[str]) -> str:
    """What git is to do: its first word that is no option of git's own, which takes the next."""
    pairs = zip(words[::2], words[1::2], strict=False)
    options = sum(1 for _ in takewhile(lambda pair: pair[0] in ("-c", "-C"), pairs))
    return words[2 * options]


@contextmanager
def _open_stdin(content: bytes | None) -> Iterator[BinaryIO | None]:
    """In a file: of a pipe, `communicate` in steps forgets what the first step could not write."""
    if content is None:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield cast("BinaryIO", file)


def check_git(runner: GitRunner) -> None:
    """See that there is a git that can do what we need.

    Raises:
        SourceError: there is none, or it is too old.
    """
    hint = f"install git {'.'.join(map(str, _OLDEST_GIT))} or later"
    if command.find_program("git") is None:  # GitPython does not import without
        raise SourceError("git is not installed", hint)
    reported = runner.run_git("version").text
    version = re.search(r"([0-9]+)\.([0-9]+)", reported)
    if version is None or (int(version[1]), int(version[2])) < _OLDEST_GIT:
        raise SourceError(f"{reported} is too old", hint)


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    """Ask it and what it started to stop, which lets it remove its locks, then make them."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)


_HINTS = {
    "could not read Username": "give a credential helper (gitcredentials(7)), or GIT_ASKPASS",
    "Authentication failed": "give a credential helper (gitcredentials(7)), or GIT_ASKPASS",
    "Could not resolve host": "look at the network; --upstream names a mirror of yours",
    "certificate": "name your certificates with PIP_CERT or GIT_SSL_CAINFO",
    "dubious ownership": "the repository is of another user; see safe.directory, git-config(1)",
    "No space left": "make room, or set XDG_CACHE_HOME to another directory",
    "not allowed": "without --offline it can be fetched",
}


def _find_hint(stderr: str) -> str:
    for symptom, hint in _HINTS.items():
        if symptom in stderr:
            return hint
    return "look at --upstream and --from; --debug shows more"
