"""Run git through GitPython, without prompts and hooks, and with fixed settings.

`builder.cli.main` removes git's variables from os.environ first (`remove_git_variables`); other
callers must do the same.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from itertools import takewhile
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from builder.errors import SourceError
from builder.git.git_environment import make_git_variables
from builder.system import command
from builder.system.known_secrets import hide_secrets
from builder.system.limits import (
    GIT_OUTPUT_BYTES,
    GIT_RESOURCE_BYTES,
    GIT_SECONDS,
    TIMEOUT_VARIABLE,
)
from builder.system.redact import redact_credentials
from builder.system.secret_variables import list_secret_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from builder.git.remote import Remote
    from builder.system.settings import UserSettings

# `git merge-tree --write-tree` exists since 2.38.
_OLDEST_GIT = (2, 38)
_POLL_SECONDS = 0.2  # seconds between two checks for the time-out and for Ctrl-C


class GitResult(NamedTuple):
    """The output and the exit code of a git command."""

    returncode: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """Standard output as text, without the line end."""
        return self.stdout.decode(errors="replace").rstrip("\n")

    @property
    def error_line(self) -> str:
        """The most useful line of standard error: the last one that git marks as an error."""
        # If git cannot read a repository, it prints the cause before this line and advice after it.
        cause = self.stderr.partition("fatal: Could not read from remote repository.")[0]
        text = cause if cause.strip() else self.stderr
        lines = [line for line in text.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR:"))]
        line = (errors or lines or [f"exit code {self.returncode}"])[-1]
        return hide_secrets(line, "git or the server")


class GitRunner:
    """Run git in one directory.

    Args:
        directory: the directory in which git starts; a repository, or any directory for `clone`.
        env: the user's environment, which says how to reach a server.
        settings: the proxy and certificates that the user configured.
        remotes: the remotes whose users and passwords git may use.
        offline: forbid git to access any repository over a protocol.
        check_cancelled: called repeatedly while git runs; raises if the run was interrupted.
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
        remotes = list(remotes)
        self.variables = make_git_variables(env, settings, remotes, offline=offline)
        self.directory = directory
        self._settings = settings
        self._urls = [remote.url for remote in remotes]
        self.check_cancelled = check_cancelled

    def run_git(
        self,
        *words: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = GIT_SECONDS,
        accepted_codes: Sequence[int] | None = (0,),
    ) -> GitResult:
        """Run one git command to its end; it is stopped if we stop waiting for it.

        Args:
            words: the arguments of git, none of them secret.
            stdin: the bytes for standard input, or None.
            env: variables for this command only.
            timeout: seconds until it is stopped, unless the user set another time.
            accepted_codes: exit codes that are no failure; None for any.

        Raises:
            SourceError: git failed, took too long, or printed more than can be meant.
            InterruptedRunError: the run was interrupted.
        """
        with _open_stdin(stdin) as file, self._start_git(words, env, file) as process:
            try:
                stdout, stderr = self._wait_for_output(process, _find_subcommand(words), timeout)
            except BaseException:
                command.stop_process_group(process)
                raise
        result = GitResult(
            process.returncode, stdout, redact_credentials(stderr.decode(errors="replace"))
        )
        if accepted_codes is not None and result.returncode not in accepted_codes:
            message = f"git {_find_subcommand(words)} failed: {result.error_line}"
            raise SourceError(message, _find_hint(result.stderr))
        return result

    def _wait_for_output(
        self, process: subprocess.Popen[bytes], word: str, timeout: float
    ) -> tuple[bytes, bytes]:
        """Read all output, in short waits, as only the main thread is interrupted by Ctrl-C."""
        timeout = self._settings.get_timeout(timeout)
        deadline = time.monotonic() + timeout
        while True:
            try:
                return process.communicate(timeout=_POLL_SECONDS)
            except subprocess.TimeoutExpired as error:
                self.check_cancelled()
                if time.monotonic() > deadline:
                    raise SourceError(
                        f"git {word}{self._describe_server(word)} took longer than {timeout:g} s",
                        f"look at the network and at --upstream; {TIMEOUT_VARIABLE} gives it more",
                    ) from error
                # A server's messages are part of the output, and may have no end.
                if len(error.output or b"") + len(error.stderr or b"") > GIT_OUTPUT_BYTES:
                    raise SourceError(
                        f"git {word}{self._describe_server(word)} prints more than "
                        f"{GIT_OUTPUT_BYTES:,} bytes",
                        "look at --upstream and --from",
                    ) from error

    def _describe_server(self, word: str) -> str:
        """Describe who may be waited for by a git command, such as ` of https://host/path`."""
        return f" of {' or '.join(self._urls)}" if word in ("clone", "fetch") else ""

    def _start_git(
        self, words: Sequence[str], env: Mapping[str, str] | None, stdin: BinaryIO | None
    ) -> subprocess.Popen[bytes]:
        from git import Git

        git_command = Git(self.directory)
        # GitPython cannot remove variables.
        hidden = dict.fromkeys(list_secret_variables(os.environ, for_git=True), "")
        variables = hidden | self.variables | dict(env or {})
        if _find_subcommand(words) in ("clone", "fetch"):
            # A server could send commits without their parents: git would start another fetch for
            # these, and that one another, without end. git 2.45 and fixes of earlier ones read it.
            variables.setdefault("GIT_NO_LAZY_FETCH", "1")
        git_command.update_environment(**variables)
        started = git_command.execute(
            ["git", *words],
            istream=stdin,
            as_process=True,
            # In its own process group, what git starts is stopped with it. It also has no terminal
            # for prompts.
            start_new_session=True,
            # What it writes into the mirror is the user's alone, see `builder.system.ownership`.
            umask=0o077,
        )
        process = started.proc
        started.proc = None
        if process is None:
            raise SourceError("git did not start", "look at the git on PATH")
        _limit_resources(process.pid)
        return process


def _limit_resources(pid: int) -> None:
    """Limit the memory and the files of git, which reads answers of servers without a bound.

    Only Linux can do that to a process that runs. What git starts inherits the limits.
    """
    with suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        for kind in (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE):
            resource.prlimit(pid, kind, (GIT_RESOURCE_BYTES, GIT_RESOURCE_BYTES))


def _find_subcommand(words: Sequence[str]) -> str:
    """Find the subcommand: the first word after git's own options `-c` and `-C`, with values."""
    pairs = zip(words[::2], words[1::2], strict=False)
    options = sum(1 for _ in takewhile(lambda pair: pair[0] in ("-c", "-C"), pairs))
    return words[2 * options]


@contextmanager
def _open_stdin(content: bytes | None) -> Iterator[BinaryIO | None]:
    """Put the input in a file: with a pipe, repeated `communicate` calls lose unwritten input."""
    if content is None:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield cast("BinaryIO", file)


def check_git(runner: GitRunner) -> None:
    """Check that git is installed and new enough.

    Raises:
        SourceError: git is not installed, or is too old.
    """
    hint = f"install git {'.'.join(map(str, _OLDEST_GIT))} or later"
    if command.find_program("git") is None:  # GitPython cannot be imported without it
        raise SourceError("git is not installed", hint)
    reported = runner.run_git("version").text
    version = re.search(r"([0-9]+)\.([0-9]+)", reported)
    if version is None or (int(version[1]), int(version[2])) < _OLDEST_GIT:
        raise SourceError(f"{reported} is too old", hint)


_HINTS = {
    "could not read Username": "give a credential helper (gitcredentials(7)), or GIT_ASKPASS",
    "Authentication failed": "give a credential helper (gitcredentials(7)), or GIT_ASKPASS",
    "Could not resolve host": "look at the network; --upstream names a mirror of yours",
    "certificate": "name your certificates with PIP_CERT or GIT_SSL_CAINFO",
    "source repository is shallow": "its history is needed: git fetch --unshallow, there",
    "dubious ownership": "the repository is of another user; see safe.directory, git-config(1)",
    "No space left": "make room, or set XDG_CACHE_HOME to another directory",
    "couldn't find remote ref refs/pull/": "look at the number of --pull-request",
    "not allowed": "without --offline it can be fetched",
}


def _find_hint(stderr: str) -> str:
    for symptom, hint in _HINTS.items():
        if symptom in stderr:
            return hint
    return "look at --upstream and --from; --debug shows more"
