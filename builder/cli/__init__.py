"""The command line: `python -m builder VERB`.

An error prints one line of what failed and one line of what to do, and has an exit code for its
stage (`builder.errors`). A traceback is shown with --debug only.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
import warnings
from importlib import import_module
from typing import TYPE_CHECKING

import click

from builder import __version__
from builder.errors import BuilderError, InterruptedRunError
from builder.git.git_environment import remove_git_variables
from builder.system.console import Console
from builder.system.interruption import record_interruption
from builder.system.known_secrets import register_arguments, register_environment
from builder.system.secret_variables import list_secret_variables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_SIGTERM_EXIT = 128 + signal.SIGTERM

# Command → module:function in builder.cli. A verb is imported when it is run: the others would take
# most of the time that `build` takes.
_COMMANDS = {
    "base-image": "base_image:base_image",
    "build": "build:build",
    "catalog": "catalog:catalog",
    "check": "check:check",
    "install-hint": "publish:install_hint",
    "plan": "plan:plan",
    "prune": "prune:prune",
    "publish": "publish:publish",
    "record": "today:record",
    "report": "report:report",
    "smoke": "smoke_url:smoke",
    "smoke-hub": "smoke_hub:smoke_hub",
    "smoke-lab": "smoke:smoke_lab",
    "smoke-notebook": "smoke:smoke_notebook",
    "summary": "summary:summary",
    "today": "today:today",
    "upload": "upload:upload",
}
# The others have no use for the credentials that these take.
_UPLOADING_COMMANDS = {"publish", "upload"}


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order in which `--help` shows them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(f"builder.cli.{module}"), name)
        assert isinstance(command, click.Command)  # noqa: S101 - for the type checker
        return command


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="tensorboard-proxy-wheels")
def cli() -> None:
    """Turn any TensorBoard release into a patched wheel that shows inside Jupyter.

    Exit codes: 0 done, 2 the request makes no sense, 3 index or cache, 4 patches, 5 unreadable
    wheel, 6 new findings, 7 output directory, 8 provenance, 9 nothing found but not everything
    could be checked, 10 another program failed or a Python is missing, 11 not alive today,
    12 smoke tests, 13 publishing, 14 container engine, 15 source (git) or building from it,
    130 interrupted, 143 terminated.

    TENSORBOARD_WHEELS_TIMEOUT: seconds after which any wait for a server ends (README.md, Limits).
    """


class _SigtermInterrupt(BaseException):
    """Raised on SIGTERM: unwinds like Ctrl-C, so that no half-written files are left."""


def main(
    arguments: Sequence[str] | None = None,
    command: click.Command = cli,
    program: str = "python -m builder",
) -> None:
    """Run a verb and end the process with its exit code.

    Args:
        arguments: the command line; None for the process's own.
        command: our verbs, or tests.bench, which reports errors as they do.
        program: how the user starts it.
    """
    # A build makes hardly any reference cycles. CPython 3.11 looks for them after every 700 new
    # objects, which takes 4 % of a build, and at its end in all that was imported, which takes 6 %:
    # not in what is frozen.
    gc.set_threshold(50_000)
    exit_codes: list[int] = []
    atexit.register(_end_beside_threads, exit_codes)  # the first, as the first is called last
    argv = sys.argv[1:] if arguments is None else list(arguments)
    signal.signal(signal.SIGTERM, _raise_sigterm_interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored (nohup)
        signal.signal(signal.SIGINT, _raise_keyboard_interrupt)
    remove_git_variables(os.environ)
    register_environment(os.environ)
    register_arguments(argv)
    # They may quote a server. What libraries log, `make_context` leads to the console.
    warnings.showwarning = lambda message, category, *_, **__: Console().print_note(
        f"{category.__name__}: {message}"
    )
    threading.excepthook = lambda failure: Console().print_traceback(
        failure.exc_value or failure.exc_type()
    )
    if not {*argv[:1]} & _UPLOADING_COMMANDS:
        for name in list_secret_variables(os.environ, for_git=True):
            del os.environ[name]
    code = _run_command(argv, command, program)
    gc.freeze()
    if arguments is None:
        exit_codes.append(code)
    sys.exit(code)


def _end_beside_threads(exit_codes: Sequence[int]) -> None:
    """End the process at once if threads go on for which nothing waits (`builder.system.waiting`).

    While Python shuts down, a thread that is in a library's C code can crash the process: one in
    TLS did, so that the exit code was that of a segmentation fault.
    """
    if exit_codes and any(thread.daemon for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_codes[0])


def _run_command(argv: Sequence[str], command: click.Command, program: str) -> int:
    try:
        code = command.main(args=list(argv), prog_name=program, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        where = program if error.ctx is None else error.ctx.command_path
        message = " ".join(error.format_message().split())
        Console().print_error(message, f"`{where} --help` says what there is")
        return error.exit_code
    except (Exception, KeyboardInterrupt, _SigtermInterrupt) as error:
        if "--debug" in argv:
            Console().print_traceback(error)
        return _report_error(error)
    return int(code or 0)


def _report_error(error: BaseException) -> int:
    """Print what failed and what to do; return the exit code."""
    console = Console()
    if isinstance(error, BuilderError):
        console.print_error(error.message, error.hint)
        return error.exit_code
    if isinstance(error, (click.Abort, KeyboardInterrupt, _SigtermInterrupt)):
        what = "terminated" if isinstance(error, _SigtermInterrupt) else "interrupted"
        console.print_error(what, "nothing was left half-written; run it again")
        return _SIGTERM_EXIT if what == "terminated" else InterruptedRunError.exit_code
    if not isinstance(error, Exception):
        return 1
    from builder.system.machine_errors import explain_unexpected_error

    return _report_error(explain_unexpected_error(error))


def _raise_sigterm_interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    record_interruption()
    raise _SigtermInterrupt


def _raise_keyboard_interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    record_interruption()
    raise KeyboardInterrupt
