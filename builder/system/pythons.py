"""Find CPythons: on PATH, in pyenv, in the system's and uv's directories; else fetch them with uv.

uv starts each interpreter to query it, so a pyenv shim that refuses to start does not count. If the
first download gets no answer, no other is tried in that run; `today` needs seven Pythons.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

from builder.errors import CommandError, PythonNotFoundError, RequestError
from builder.system import command
from builder.system.files import make_temporary_directory
from builder.system.known_secrets import hide_secrets
from builder.system.virtualenvs import find_uv

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# Directories of the system's own Pythons, which are searched even if PATH does not have them.
_SYSTEM_DIRECTORIES = ("/usr/local/bin", "/usr/bin")
# In seconds, but for the retries; the user's own values win. A server that does not answer in this
# time counts as unreachable.
_UV_TIMEOUTS = {"UV_HTTP_CONNECT_TIMEOUT": "5", "UV_HTTP_TIMEOUT": "15", "UV_HTTP_RETRIES": "0"}
# Variables that limit which installed Pythons uv considers. They are removed: here all count.
_PREFERENCE_VARIABLES = ("UV_PYTHON_PREFERENCE", "UV_MANAGED_PYTHON", "UV_NO_MANAGED_PYTHON")
_COLOUR_VARIABLES = ("FORCE_COLOR", "CLICOLOR_FORCE")
_ANSWER_TIMEOUT = 30.0  # seconds; each interpreter is started once
_FETCH_TIMEOUT = 300.0  # seconds, for 30 MB on a slow network
_EXECUTABLE_CODE = "import sys; print(getattr(sys, '_base_executable', '') or sys.executable)"


class _ListedInterpreter(NamedTuple):
    """An interpreter that uv lists."""

    version: Version
    path: Path


def check_python_version(version: str) -> None:
    """Refuse a version that is not written like `3.13` or `3.13.1`.

    Raises:
        RequestError: it is written differently.
    """
    if not re.fullmatch(r"3\.[0-9]{1,2}(\.[0-9]{1,2})?", version):
        raise RequestError(f"{version!r} is no version of Python 3", "say 3.13, or 3.13.1")


class PythonFinder:
    """Finds CPythons on this machine; each version is searched for once in a run.

    Args:
        env: environment variables: PATH, pyenv's and uv's settings, and the CAs for uv
            (`builder.system.virtualenvs.make_uv_env`).
        given: interpreters, or directories that contain some, which come before all others.
        note: called with messages on what takes long, and if `given` lacks a version.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        given: Sequence[Path] = (),
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._env = {k: v for k, v in env.items() if k not in _COLOUR_VARIABLES}
        self._env["NO_COLOR"] = "1"
        self._given = given
        self._note = note
        self._lock = threading.Lock()
        self._offered: list[_ListedInterpreter] | None = None
        self._answers: dict[str, Path | str] = {}
        self._unreachable: str | None = None

    def find_python(self, version: str) -> Path:
        """Find the interpreter of a CPython version.

        Args:
            version: such as `3.13`, or `3.13.1`.

        Raises:
            RequestError: that is not a version, or a path that the user gave has no working
                CPython.
            PythonNotFoundError: it is not installed, and cannot be fetched.
            CommandError: there is no uv.
        """
        check_python_version(version)
        find_uv()
        with self._lock:
            if version not in self._answers:
                self._answers[version] = self._find_or_fetch_python(version)
            answer = self._answers[version]
        if isinstance(answer, Path):
            return answer
        places = [*self._given, "PATH", *self._list_pyenv_directories(), *_SYSTEM_DIRECTORIES]
        raise PythonNotFoundError(
            f"there is no CPython {version}: not in {', '.join(map(str, places))} or uv's "
            f"directory; {answer}",
            f"install it, or name one with --python-path /where/python{version}",
        )

    def _find_or_fetch_python(self, version: str) -> Path | str:
        """Find or fetch the interpreter; a string is the reason why there is none."""
        try:
            return self._find_installed(version) or self._fetch_python(version)
        except CommandError as error:
            return f"{error.message}: {_get_last_line(error.hint)}"

    def _find_installed(self, version: str) -> Path | None:
        """Find an installed interpreter: in the paths that the user gave, then elsewhere."""
        if self._offered is None:
            self._offered = [found for given in self._given for found in self._list_given(given)]
        for offered in self._offered:
            if f"{offered.version}.".startswith(f"{version}."):
                return offered.path
        if self._given:
            self._note(f"--python-path has no CPython {version}: it is looked for elsewhere")
        return self._search_places(version)

    def _search_places(self, version: str) -> Path | None:
        """Find the first interpreter that runs, in the order of places; prereleases come last."""
        wanted, pyenv = f"cpython@{version}", self._list_pyenv_directories()
        path = [Path(sys.base_prefix, "bin"), *self._list_path_directories()]
        system = [Path(place) for place in _SYSTEM_DIRECTORIES]
        # Listed apart from PATH: with these on it, a shim would start a version that it refuses
        # otherwise.
        bins = [place for versions in pyenv for place in versions.glob("*/bin")]
        found = self._list_interpreters(wanted, [*path, *system])
        found += self._list_interpreters(wanted, bins) if bins else []
        places = [*path, *pyenv, *system]
        # uv lists the newest first; the sort is stable and keeps that order within a place.
        found.sort(key=lambda one: (one.version.is_prerelease, _rank_place(one.path, places)))
        return next(filter(None, map(self._resolve_interpreter, found)), None)

    def _list_given(self, given: Path) -> list[_ListedInterpreter]:
        """List the interpreter at a path, or those in a directory and in its `bin`.

        Raises:
            RequestError: there is no CPython 3 that runs.
        """
        given = given.absolute()
        if given.is_dir():
            listed = self._list_interpreters("cpython", [given / "bin", given])
            listed = [one for one in listed if one.path.is_relative_to(given)]
        else:
            listed = self._list_interpreters(str(given), self._list_path_directories())
        started = [(one.version, self._resolve_interpreter(one)) for one in listed]
        found = [_ListedInterpreter(version, path) for version, path in started if path is not None]
        if not found:
            what = "has no CPython 3 that runs" if given.is_dir() else "is no CPython 3 that runs"
            raise RequestError(f"{given} {what}", "name another with --python-path")
        return found

    def _list_interpreters(self, wanted: str, path: Sequence[Path]) -> list[_ListedInterpreter]:
        """List the CPythons that uv finds for a path or version, on this PATH and in its directory.

        Raises:
            CommandError: uv failed, or is too old.
        """
        env = {k: v for k, v in self._env.items() if k not in _PREFERENCE_VARIABLES}
        env["PATH"] = os.pathsep.join(str(place.absolute()) for place in path)
        words = [find_uv(), "python", "list", "--no-config", "--only-installed"]
        words += ["--output-format", "json", wanted]
        output = command.run_command(words, timeout=_ANSWER_TIMEOUT, env=env)
        try:
            listed = json.loads(output)
            # Wheels for the usual ABI do not install on a free-threaded one.
            return [
                _ListedInterpreter(Version(one["version"]), Path(one["path"]).absolute())
                for one in listed
                if (one["implementation"], one["variant"]) == ("cpython", "default")
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError(f"{words[0]} is too old", "install uv 0.9 or later") from error

    def _resolve_interpreter(self, found: _ListedInterpreter) -> Path | None:
        """Resolve a shim or a virtualenv to its interpreter; None if it does not start."""
        words = [str(found.path), "-I", "-c", _EXECUTABLE_CODE]
        try:
            code, output = command.try_command(words, timeout=_ANSWER_TIMEOUT, env=self._env)
        except (CommandError, OSError):
            return None
        return None if code or not os.path.isfile(output.strip()) else Path(output.strip())  # noqa: PTH113

    def _list_path_directories(self) -> list[Path]:
        return [Path(p) for p in self._env.get("PATH", "").split(os.pathsep) if p]

    def _list_pyenv_directories(self) -> list[Path]:
        """List pyenv's `versions` directories; its shims refuse versions that are not selected."""
        env = self._env
        roots = [env.get("PYENV_ROOT"), Path(env.get("HOME") or Path.home(), ".pyenv")]
        # PYENV_ROOT is often not exported, but the shims' directory, which is in it, is on PATH.
        roots += [place.parent for place in self._list_path_directories()]
        found = (Path(root) / "versions" for root in roots if root)
        # Another user's home may be on PATH, for which Path.is_dir() would raise PermissionError.
        return [path for path in dict.fromkeys(found) if os.path.isdir(path)]  # noqa: PTH112

    def _fetch_python(self, version: str) -> Path | str:
        """Fetch an interpreter with uv; a string is the reason why there is none."""
        wanted, env = f"cpython@{version}", {**_UV_TIMEOUTS, **self._env}
        listing = [find_uv(), "python", "list", "--only-downloads", wanted]
        # Only standard output counts: a warning on standard error does not mean that there is one.
        if not command.run_command(listing, timeout=_ANSWER_TIMEOUT, env=env).strip():
            return "uv has none to fetch"
        if self._unreachable is not None:
            return self._unreachable
        self._note(f"there is no CPython {version} here: asking uv for one")
        try:
            with make_temporary_directory("tensorboard-wheels-python-") as name:
                # `uv venv` fetches only if the user's settings allow it; `uv python install`
                # always does.
                words = [find_uv(), "venv", "--quiet", "--python", wanted, f"{name}/env"]
                code, output = command.try_command(words, timeout=_FETCH_TIMEOUT, env=env)
        except CommandError as error:
            code, output = 1, error.message
        if code == 0:
            return self._search_places(version) or "what uv fetched does not run"
        reason = f"uv cannot fetch one: {_get_last_line(output)}"
        # After an HTTP status others may work: a mirror may lack only this one. Settings that
        # forbid it, or no answer, concern all versions.
        if "HTTP status" not in output:
            self._unreachable = reason
        return reason


def _rank_place(path: Path, places: Sequence[Path]) -> int:
    """Return the index of the place that contains a path; paths from elsewhere rank last."""
    within = (number for number, p in enumerate(places) if path.is_relative_to(p.absolute()))
    return next(within, len(places))


def _get_last_line(output: str) -> str:
    """Return the last line of uv's output, which has the reason; all of it would be too long."""
    last = output.strip().rpartition("\n")[2].strip()
    return hide_secrets(re.sub("^(Caused by|cause|hint|error): ", "", last), "uv")
