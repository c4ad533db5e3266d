"""The command line: `python -m builder VERB`.

An error prints one line of what failed and one line of what to do, and has an exit code for its
stage (`builder.errors`). A traceback is shown with --debug only.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from builder import __version__
from builder.cli.base_image import base_image
from builder.cli.bench import bench
from builder.cli.build import build
from builder.cli.catalog import catalog
from builder.cli.check import check
from builder.cli.plan import plan
from builder.cli.publish import install_hint, publish
from builder.cli.report import report
from builder.cli.smoke import smoke_lab, smoke_notebook
from builder.cli.smoke_hub import smoke_hub
from builder.cli.smoke_url import smoke
from builder.cli.summary import summary
from builder.cli.today import record, today
from builder.cli.watch import watch
from builder.errors import BuilderError, InterruptedRunError, to_internal_error
from builder.git import remove_git_variables
from builder.system.console import Console

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_SIGTERM_EXIT = 128 + signal.SIGTERM


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tensorboard-proxy-wheels")
def cli() -> None:
    """Turn any TensorBoard release into a patched wheel that shows inside Jupyter.

    Exit codes: 0 done, 2 the request makes no sense, 3 index or cache, 4 patches, 5 unreadable
    wheel, 6 new findings, 7 output directory, 8 provenance, 9 nothing found but not everything
    could be checked, 10 another program failed or a Python is missing, 11 not alive today,
    12 smoke tests, 13 publishing, 14 container engine, 15 source (git) or building from it,
    130 interrupted, 143 terminated.
    """


_COMMANDS = (
    *(build, plan, check, catalog, today, record, bench),
    *(publish, install_hint, summary, watch),
    *(smoke_lab, smoke_notebook, smoke_hub, smoke, report, base_image),
)
for command in _COMMANDS:
    cli.add_command(command)


class _SigtermInterrupt(BaseException):
    """Raised on SIGTERM: unwinds like Ctrl-C, so that no half-written files are left."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a verb and end the process with its exit code."""
    argv = sys.argv[1:] if arguments is None else list(arguments)
    signal.signal(signal.SIGTERM, _raise_sigterm_interrupt)
    remove_git_variables(os.environ)
    sys.exit(_run_command(argv))


def _run_command(argv: Sequence[str]) -> int:
    try:
        code = cli.main(args=list(argv), prog_name="python -m builder", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        where = "python -m builder" if error.ctx is None else error.ctx.command_path
        Console().print_error(error.format_message(), f"`{where} --help` says what there is")
        return error.exit_code
    except (Exception, KeyboardInterrupt, _SigtermInterrupt) as error:
        if "--debug" in argv:
            raise
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
    return _report_error(to_internal_error(error)) if isinstance(error, Exception) else 1


def _raise_sigterm_interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise _SigtermInterrupt
