"""The errors of this tool: one class and one exit code for each stage.

Every error has one line on what failed and why (`message`), and one line on what to do (`hint`).
The command line prints both; it shows a traceback only with `--debug`.
"""

from __future__ import annotations

import errno
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_REASON = 300  # characters
DISK_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT)


class BuilderError(Exception):
    """A failure that the user can act on.

    Attributes:
        message: one line: what failed and why.
        hint: one line: what to do about it.
        exit_code: the process exit code of this stage.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class RequestError(BuilderError):
    """The command line or the settings request something impossible."""

    exit_code = 2


class IndexLookupError(BuilderError):
    """The index, the catalog or the cache did not provide what was requested."""

    exit_code = 3


class PatchError(BuilderError):
    """A series cannot be read, or does not apply to this release."""

    exit_code = 4


class WheelError(BuilderError):
    """A file is not a wheel that can be read or rewritten."""

    exit_code = 5


class NewFindingsError(BuilderError):
    """A wheel or a series has findings; those of the stock wheel do not count."""

    exit_code = 6


class OutputError(BuilderError):
    """A wheel, a report or a page cannot be written."""

    exit_code = 7


class ProvenanceError(BuilderError):
    """A wheel and its provenance do not match."""

    exit_code = 8


class UncheckedError(BuilderError):
    """Nothing was found, but some checks could not be decided."""

    exit_code = 9


class OtherTreeError(UncheckedError):
    """Another tree of this tool is claimed to have made a wheel; only that tree can verify it."""


class CommandError(BuilderError):
    """A program that we started failed."""

    exit_code = 10


class PythonNotFoundError(CommandError):
    """A required Python is not on this machine, and cannot be fetched."""


class TodayError(BuilderError):
    """Wheels do not start, serve or display on today's Pythons as in their own era."""

    exit_code = 11


class SmokeError(BuilderError):
    """Smoke tests failed, or could not be run."""

    exit_code = 12


class EngineError(BuilderError):
    """The container engine is not available, or refused a request."""

    exit_code = 14


class SourceError(BuilderError):
    """Upstream's source, its repository or git did not provide what was requested."""

    exit_code = 15


class PublishError(BuilderError):
    """An index did not accept a wheel, or does not serve what was built."""

    exit_code = 13


class InterruptedRunError(BuilderError):
    """Ctrl-C or SIGTERM: stop, and leave everything as it was."""

    exit_code = 130


def shorten_reason(error: Exception) -> str:
    """Make one short line of an error's text: it may quote what somebody else wrote."""
    return textwrap.shorten(str(error), _LONGEST_REASON, placeholder=" …") or type(error).__name__


def make_extra_hint(extra: str) -> str:
    """Make the hint on how to install an extra.

    It installs from a checkout: the project is on no index, so anybody could take its name there.
    """
    return f"in a checkout of this project: pip install -e '.[{extra}]'"


def to_internal_error(error: Exception, redact: Callable[[str], str] = str) -> BuilderError:
    """Wrap an unexpected error for the user; the error itself becomes the cause.

    Args:
        error: the exception that was raised.
        redact: makes its text fit for a message, without secrets.
    """
    wrapped = BuilderError(
        f"a fault of ours: {type(error).__name__}: {redact(str(error))}",
        "run it with --debug, and report it",
    )
    wrapped.__cause__ = error
    return wrapped
