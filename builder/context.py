"""What every verb needs of its run: the user's settings, the console, and whether to stop."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from builder.errors import InterruptedRunError
from builder.system.pythons import PythonFinder
from builder.system.virtualenvs import make_uv_env

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.system.console import Console
    from builder.system.settings import UserSettings


@dataclass(frozen=True)
class RunContext:
    """The run of one verb.

    Attributes:
        settings: what the user's environment and configuration say.
        env: the whole environment, for programs that we start.
        console: where words go.
        python_paths: interpreters, or directories with some, that come before all others.
        cancelled: set when the run is interrupted.
    """

    settings: UserSettings
    env: Mapping[str, str]
    console: Console
    python_paths: tuple[Path, ...] = ()
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def uv_env(self) -> dict[str, str]:
        """What uv and pip start with: the environment, with the index and CAs of the user's pip."""
        return make_uv_env(self.settings, self.env)

    @cached_property
    def pythons(self) -> PythonFinder:
        """The CPythons of this machine, each looked for when it is needed."""
        return PythonFinder(self.uv_env, self.python_paths, self.console.print_note)

    def check_cancelled(self) -> None:
        """Stop here if the run was interrupted.

        Raises:
            InterruptedRunError: it was.
        """
        if self.cancelled.is_set():
            raise InterruptedRunError("interrupted", "nothing was left half-written; run it again")
