"""Find CPythons: on PATH, among pyenv's versions, the system's, uv's own; then what uv can fetch.

uv starts each interpreter and asks what it is: a pyenv shim that refuses to start does not count.
Where nobody answers a first download, no other is tried in that run; `today` asks for seven.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

from builder.errors import CommandError, PythonNotFoundError, RequestError
from builder.system import command
from builder.system.virtualenvs import find_uv

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# Where a system's own lie, also for somebody whose PATH does not lead there.
_SYSTEM_DIRECTORIES = ("/usr/local/bin", "/usr/bin")
# For uv where the user has set no other: who does not answer in this time is out of reach.
_UV_TIMEOUTS = {"UV_HTTP_CONNECT_TIMEOUT": "5", "UV_HTTP_TIMEOUT": "15", "UV_HTTP_RETRIES": "0"}
# Which of the Pythons that are here uv would choose by itself; here all of them count.
_PREFERENCE_VARIABLES = ("UV_PYTHON_PREFERENCE", "UV_MANAGED_PYTHON", "UV_NO_MANAGED_PYTHON")
_COLOUR_VARIABLES = ("FORCE_COLOR", "CLICOLOR_FORCE")
_ANSWER_TIMEOUT = 30.0  # seconds; each interpreter is started once
_FETCH_TIMEOUT = 300.0  # seconds; 30 MB on a slow line
_EXECUTABLE_CODE = "import sys; print(getattr(sys, '_base_executable', '') or sys.executable)"


class _ListedInterpreter(NamedTuple):
    """An interpreter that uv lists."""

    version: Version
    path: Path


def check_python_version(version: str) -> None:
    """Refuse what is not written like `3.13` or `3.13.1`.

    Raises:
        RequestError: it is not.
    """
    if not re.fullmatch(r"3\.[0-9]{1,2}(\.[0-9]{1,2})?", version):
        raise RequestError(f"{version!r} is no version of Python 3", "say 3.13, or 3.13.1")


class PythonFinder:
    """The CPythons of this machine; each version is looked for once in a run.

    Args:
        environ: has PATH, pyenv's and uv's settings, and the CAs for uv (`uv_environ`).
        given: interpreters, or directories that hold some, which come before all others.
        note: says what takes long, and that what was given does not serve.
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
        """The interpreter of a CPython.

        Args:
            version: such as `3.13`, or `3.13.1`.

        Raises:
            RequestError: that is no version, or what the user gave has no working CPython.
            PythonNotFoundError: it is nowhere, and cannot be fetched.
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
        """The interpreter, or why there is none."""
        try:
            return self._find_installed(version) or self._fetch_python(version)
        except CommandError as error:
            return f"{error.message}: {_get_last_line(error.hint)}"

    def _find_installed(self, version: str) -> Path | None:
        """What the user gave, if it is of that version, else what there is elsewhere."""
        if self._offered is None:
            self._offered = [found for given in self._given for found in self._list_given(given)]
        for offered in self._offered:
            if f"{offered.version}.".startswith(f"{version}."):
                return offered.path
        if self._given:
            self._note(f"--python-path has no CPython {version}: it is looked for elsewhere")
        return self._search_places(version)

    def _search_places(self, version: str) -> Path | None:
        """The first that runs, of the place that comes first; no prerelease if there is another."""
        wanted, pyenv = f"cpython@{version}", self._list_pyenv_directories()
        path = [Path(sys.base_prefix, "bin"), *self._list_path_directories()]
        system = [Path(place) for place in _SYSTEM_DIRECTORIES]
        # Alone: with these on PATH, a shim would start what it refuses to start otherwise.
        bins = [place for versions in pyenv for place in versions.glob("*/bin")]
        found = self._list_interpreters(wanted, [*path, *system])
        found += self._list_interpreters(wanted, bins) if bins else []
        places = [*path, *pyenv, *system]
        # uv lists the newest first; sorting keeps that within a place.
        found.sort(key=lambda one: (one.version.is_prerelease, _rank_place(one.path, places)))
        return next(filter(None, map(self._resolve_interpreter, found)), None)

    def _list_given(self, given: Path) -> list[_ListedInterpreter]:
        """The interpreter that a file is, or those in a directory and in its `bin`.

        Raises:
            RequestError: no CPython 3 that runs.
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
        """The CPythons that uv finds by a path or a version, on this PATH and in its directory.

        Raises:
            CommandError: uv failed, or is too old.
        """
        env = {k: v for k, v in self._env.items() if k not in _PREFERENCE_VARIABLES}
        env["PATH"] = os.pathsep.join(str(place.absolute()) for place in path)
        words = [find_uv(), "python", "list", "--no-config", "--only-installed"]
        words += ["--output-format", "json", wanted]
        said = command.run_command(words, timeout=_ANSWER_TIMEOUT, env=env)
        try:
            listed = json.loads(said)
            # Wheels for the usual ABI do not install on a free-threaded one.
            return [
                _ListedInterpreter(Version(one["version"]), Path(one["path"]).absolute())
                for one in listed
                if (one["implementation"], one["variant"]) == ("cpython", "default")
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError(f"{words[0]} is too old", "install uv 0.9 or later") from error

    def _resolve_interpreter(self, found: _ListedInterpreter) -> Path | None:
        """The interpreter behind a shim or a virtual environment; None if it does not start."""
        words = [str(found.path), "-I", "-c", _EXECUTABLE_CODE]
        try:
            code, said = command.try_command(words, timeout=_ANSWER_TIMEOUT, env=self._env)
        except (CommandError, OSError):
            return None
        return None if code or not os.path.isfile(said.strip()) else Path(said.strip())  # noqa: PTH113

    def _list_path_directories(self) -> list[Path]:
        return [Path(p) for p in self._env.get("PATH", "").split(os.pathsep) if p]

    def _list_pyenv_directories(self) -> list[Path]:
        """The directories of pyenv's versions: the shim of one that is not selected refuses."""
        env = self._env
        roots = [env.get("PYENV_ROOT"), Path(env.get("HOME") or Path.home(), ".pyenv")]
        # The variable is often not exported, and the shims' directory is on PATH all the same.
        roots += [place.parent for place in self._list_path_directories()]
        found = (Path(root) / "versions" for root in roots if root)
        # Somebody else's home may be on PATH, which Path.is_dir() would be an error for.
        return [path for path in dict.fromkeys(found) if os.path.isdir(path)]  # noqa: PTH112

    def _fetch_python(self, version: str) -> Path | str:
        """What uv fetched, or why it did not."""
        wanted, env = f"cpython@{version}", {**_UV_TIMEOUTS, **self._env}
        listing = [find_uv(), "python", "list", "--only-downloads", wanted]
        # What uv warns of besides is no download, so standard output alone is looked at.
        if not command.run_command(listing, timeout=_ANSWER_TIMEOUT, env=env).strip():
            return "uv has none to fetch"
        if self._unreachable is not None:
            return self._unreachable
        self._note(f"there is no CPython {version} here: asking uv for one")
        try:
            with tempfile.TemporaryDirectory(prefix="python-") as name:
                # It fetches if the user's settings let it; `uv python install` always does.
                words = [find_uv(), "venv", "--quiet", "--python", wanted, f"{name}/env"]
                code, said = command.try_command(words, timeout=_FETCH_TIMEOUT, env=env)
        except CommandError as error:
            code, said = 1, error.message
        if code == 0:
            return self._search_places(version) or "what uv fetched does not run"
        reason = f"uv cannot fetch one: {_get_last_line(said)}"
        # A mirror may lack one and have others. Settings and silence are the same for all.
        if "HTTP status" not in said:
            self._unreachable = reason
        return reason


def _rank_place(path: Path, places: Sequence[Path]) -> int:
    """The number of the place that it lies in; what uv lists from elsewhere ranks last."""
    within = (number for number, p in enumerate(places) if path.is_relative_to(p.absolute()))
    return next(within, len(places))


def _get_last_line(said: str) -> str:
    """The last line of what uv said, which is the reason; all of it would fill the screen."""
    last = said.strip().rpartition("\n")[2].strip()
    return re.sub("^(Caused by|cause|hint|error): ", "", last)
