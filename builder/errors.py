"""What can go wrong, one class and one exit code for each stage.

Every error says in one line what failed and because of what (`message`) and in one line what to
do (`hint`). The command line prints both; a traceback is shown with `--debug` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class BuilderError(Exception):
    """A failure that a person can act on.

    Attributes:
        message: one line, what failed and because of what.
        hint: one line, what to do about it.
        exit_code: the process exit code of this stage.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class RequestError(BuilderError):
    """The words on the command line or the settings ask for something that cannot be."""

    exit_code = 2


class IndexLookupError(BuilderError):
    """The index, the catalog or the cache did not give what was asked of them."""

    exit_code = 3


class PatchError(BuilderError):
    """A series cannot be read, or does not apply to this release."""

    exit_code = 4


class WheelError(BuilderError):
    """A file is no wheel that can be read or rewritten."""

    exit_code = 5


class NewFindingsError(BuilderError):
    """A wheel has findings that its stock wheel does not have."""

    exit_code = 6


class OutputError(BuilderError):
    """The output directory cannot take the wheel."""

    exit_code = 7


class ProvenanceError(BuilderError):
    """A wheel and its provenance do not belong together."""

    exit_code = 8


class UncheckedError(BuilderError):
    """Nothing was found, but some checks could not be decided."""

    exit_code = 9


class OtherTreeError(UncheckedError):
    """A wheel is said to be made by another tree of this tool, which alone can show it."""


class CommandError(BuilderError):
    """A program that we started failed."""

    exit_code = 10


class PythonNotFoundError(CommandError):
    """A Python that is needed is not on this machine, and cannot be fetched."""


class TodayError(BuilderError):
    """Wheels do not start, serve or show on today's Pythons as in their own era."""

    exit_code = 11


class SmokeError(BuilderError):
    """Smoke tests failed, or could not be run."""

    exit_code = 12


class EngineError(BuilderError):
    """The container engine is not there, or refused."""

    exit_code = 14


class SourceError(BuilderError):
    """Upstream's source, its repository or git did not give what was asked of them."""

    exit_code = 15


class PublishError(BuilderError):
    """An index did not take a wheel, or does not serve what was built."""

    exit_code = 13


class InterruptedRunError(BuilderError):
    """Ctrl-C or SIGTERM: stop, and leave everything as it was."""

    exit_code = 130


def make_extra_hint(extra: str) -> str:
    """How to get what an extra brings.

    From a checkout: the project is on no index, where its name is anybody's to take.
    """
    return f"in a checkout of this project: pip install -e '.[{extra}]'"


def to_internal_error(error: Exception, scrub: Callable[[str], str] = str) -> BuilderError:
    """What a person is told of an error that nobody foresaw; its cause is the error itself.

    Args:
        error: what was raised.
        scrub: takes secrets out of its words.
    """
    wrapped = BuilderError(
        f"a fault of ours: {type(error).__name__}: {scrub(str(error))}",
        "run it with --debug, and report it",
    )
    wrapped.__cause__ = error
    return wrapped
