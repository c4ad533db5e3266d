"""What every verb needs: the user's settings, the console, and whether the run is interrupted."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from builder.errors import InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.system.console import Console
    from builder.system.pythons import PythonFinder
    from builder.system.settings import UserSettings


class RunContext(msgspec.Struct, frozen=True, dict=True):  # dict: for cached_property
    """The context in which one verb runs.

    Attributes:
        settings: the user's settings.
        env: all environment variables, for programs that we start.
        console: prints the output.
        python_paths: interpreters, or directories with some, that come before all others.
        cancelled: set when the run is interrupted.
    """

    settings: UserSettings
    env: Mapping[str, str]
    console: Console
    python_paths: tuple[Path, ...] = ()
    cancelled: threading.Event = msgspec.field(default_factory=threading.Event)

    @property
    def uv_env(self) -> dict[str, str]:
        """The environment variables for uv and pip, with the index and CAs of the user's pip."""
        from builder.system.virtualenvs import make_uv_env

        return make_uv_env(self.settings, self.env)

    @cached_property
    def pythons(self) -> PythonFinder:
        """Finds the CPythons of this machine, each when it is needed."""
        from builder.system.pythons import PythonFinder

        return PythonFinder(self.uv_env, self.python_paths, self.console.print_note)

    def make_clean_env(self, workdir: Path) -> dict[str, str]:
        """Make the environment variables of programs: as for uv, with `workdir` as TMPDIR.

        TensorBoard keeps its list of running servers in TMPDIR; ours must not be in the user's
        list.
        """
        return {**self.uv_env, "TMPDIR": str(workdir)}

    def check_cancelled(self) -> None:
        """Raise an error if the run was interrupted.

        Raises:
            InterruptedRunError: the run was interrupted.
        """
        if self.cancelled.is_set():
            raise InterruptedRunError("interrupted", "nothing was left half-written; run it again")
