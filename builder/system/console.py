"""Print results to standard output, and everything else to standard error.

The other modules print through it. On a terminal there are colours and progress bars (`rich`),
elsewhere plain lines. Names in wheels, servers' answers and logs are untrusted: whatever is printed
is text, and neither controls a terminal nor is a command to the runner of GitHub Actions
(`builder.system.plain_text`). What goes to standard error shows none of our secrets.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from builder.system.known_secrets import hide_secret_lines, redact_known_secrets
from builder.system.plain_text import disarm_commands, disarm_json, escape_line, escape_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType
    from typing import TextIO

    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

# Columns. Wide enough for our widest table, as lines in a log file need not be wrapped.
_LOG_WIDTH = 200


class Console:
    """The output of a run; safe to use from several threads."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = sys.stdout if out is None else out
        self._err = sys.stderr if err is None else err
        self._lock = threading.Lock()
        self._bars: RichProgress | None = None

    def print_result(self, text: str) -> None:
        """Print a result: one line."""
        self._print_raw(self._out, escape_line(text))

    def print_lines(self, text: str) -> None:
        """Print a result of several lines, such as commands to be copied."""
        self._print_raw(self._out, escape_lines(text))

    def print_json(self, document: object) -> None:
        """Print a JSON document for machines, which read what was given."""
        import json

        self._print_raw(self._out, disarm_json(json.dumps(document, indent=1)))

    def print_note(self, text: str, *more: str) -> None:
        """Print something worth knowing that is not a result: one line.

        Args:
            text: the line.
            more: lines that belong to it, such as the end of a log; they are indented.
        """
        lines = [f"note: {text}", *(f"  {line}" for line in more)]
        shown = [escape_line(redact_known_secrets(line)) for line in lines]
        self._print_raw(self._err, "\n".join(shown))

    def print_error(self, message: str, hint: str) -> None:
        """Print a failure: what failed and why in one line, then what to do.

        A hint may have more lines, such as the end of a log; they are indented.
        """
        lines = [escape_line(f"error: {redact_known_secrets(message)}")]
        if hint:
            shown = escape_lines(redact_known_secrets(hint)).split("\n")
            lines += [f"  try: {shown[0]}", *(f"       {line}".rstrip() for line in shown[1:])]
        self._print_raw(self._err, "\n".join(lines))

    def print_traceback(self, error: BaseException) -> None:
        """Print a traceback; a line that could hold a secret is left out."""
        import traceback

        text = "".join(traceback.format_exception(error)).rstrip("\n")
        self._print_raw(self._err, escape_lines(hide_secret_lines(text)))

    def print_table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table to standard output."""
        from rich import box
        from rich.console import Console as RichConsole
        from rich.table import Table
        from rich.text import Text

        terminal = self._out.isatty()
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            table.add_column(Text(escape_line(column)), overflow="fold")
        for row in rows:
            table.add_row(*(Text(escape_line(cell)) for cell in row))
        rendered = io.StringIO()
        width = shutil.get_terminal_size().columns if terminal else _LOG_WIDTH
        RichConsole(file=rendered, force_terminal=terminal, width=width).print(table)
        # A cell that is folded may begin a line with what was in its middle.
        lines = rendered.getvalue().rstrip("\n").split("\n")
        self._print_raw(self._out, "\n".join(map(disarm_commands, lines)))

    @contextmanager
    def show_progress(self) -> Iterator[None]:
        """Show downloads as progress bars during the block, if standard error is a terminal."""
        if not self._err.isatty():
            yield
            return
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
        with Progress(*columns, console=RichConsole(file=self._err), transient=True) as bars:
            self._bars = bars
            try:
                yield
            finally:
                self._bars = None

    def make_download_progress(
        self, name: str, check_cancelled: Callable[[], None] = lambda: None
    ) -> DownloadProgress:
        """Make a progress reporter for one download: a `builder.releases.index.Progress`.

        Args:
            name: the name of what is downloaded.
            check_cancelled: called for each piece; raises if the run was interrupted.
        """
        return DownloadProgress(self, name, check_cancelled)

    def add_bar(self, name: str, total: int | None) -> tuple[RichProgress, TaskID] | None:
        """Add a progress bar; where none is shown, print a note and return None."""
        if self._bars is None:
            self.print_note(
                f"fetching {name}" + ("" if total is None else f", {total / 1e6:.1f} MB")
            )
            return None
        return self._bars, self._bars.add_task(escape_line(name), total=total)

    def _print_raw(self, stream: TextIO, text: str) -> None:
        encoding = stream.encoding or "utf-8"
        text = text.encode(encoding, "backslashreplace").decode(encoding)
        with self._lock:
            if self._bars is not None:
                self._bars.console.print(
                    text, markup=False, highlight=False, emoji=False, soft_wrap=True
                )
                return
            try:
                print(text, file=stream, flush=True)
            except BrokenPipeError:
                # The reader has closed the pipe, as `head` does: continue, and discard the output.
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class DownloadProgress:
    """The progress of one download: call it with the total in bytes, `update` it per piece."""

    def __init__(self, console: Console, name: str, check_cancelled: Callable[[], None]) -> None:
        self._console = console
        self._name = name
        self._check_cancelled = check_cancelled
        self._bar: tuple[RichProgress, TaskID] | None = None

    def __call__(self, total: int | None, /) -> Self:
        """Begin a download of that many bytes; None if the size is unknown."""
        self._bar = self._console.add_bar(self._name, total)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        if self._bar is not None:
            bars, task = self._bar
            bars.remove_task(task)

    def update(self, increment: int, /) -> None:
        """Add that many received bytes."""
        self._check_cancelled()
        if self._bar is not None:
            bars, task = self._bar
            bars.advance(task, increment)
