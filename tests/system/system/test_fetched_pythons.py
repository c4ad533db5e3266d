"""A Python that is not here: fetched by uv, or told apart from one that cannot be had."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import tarfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.errors import PythonNotFoundError
from builder.system import command
from builder.system.pythons import PythonFinder
from builder.system.settings import read_user_settings
from builder.today.cell import PYTHONS
from builder.today.grid import GridPair, make_trial, split_by_python
from tests.support import needs
from tests.support.http_servers import running
from tests.support.pythons import OURS, another, hidden, look, shims

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.cli import RunBuilder

# uv has them to fetch, and nobody still has them.
OLD, OLDER = "3.9.10", "3.8.16"


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"UV_PYTHON_DOWNLOADS": "never"}, "downloads are set to 'never'"),
        ({"UV_PYTHON_DOWNLOADS": "manual"}, "downloads are set to 'manual'"),
        ({"UV_PYTHON_DOWNLOADS": "automatic", "UV_OFFLINE": "1"}, "offline mode"),
        ({"UV_PYTHON_DOWNLOADS": "automatic", "UV_NO_MANAGED_PYTHON": "1"}, "none to fetch"),
    ],
)
def test_settings_of_uv_are_honoured(setting: dict[str, str], reason: str, tmp_path: Path) -> None:
    """What, where it was looked for, why uv does not fetch it, and how to give one."""
    (tmp_path / ".pyenv" / "versions").mkdir(parents=True)
    with pytest.raises(PythonNotFoundError, match=reason) as caught:
        PythonFinder(hidden(tmp_path, **setting)).find_python(OLD)
    assert f"no CPython {OLD}: not in PATH, {tmp_path}/.pyenv/versions" in caught.value.message
    assert "--python-path" in caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint


def test_none_to_fetch_is_of_that_version_alone(tmp_path: Path) -> None:
    """Nobody is asked for what does not exist, and others are still looked for."""
    finder = PythonFinder(hidden(tmp_path))
    with pytest.raises(PythonNotFoundError, match="uv has none to fetch"):
        finder.find_python("3.99")
    with pytest.raises(PythonNotFoundError, match="'never'"):
        finder.find_python(OLD)


def test_a_warning_of_uv_is_no_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uv complains of the pyproject.toml where one is; that it has none is still heard."""
    (tmp_path / "pyproject.toml").write_text("[tool.uv]\nnonsense = 3\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PythonNotFoundError, match="uv has none to fetch"):
        PythonFinder(hidden(tmp_path)).find_python("3.99")


@contextmanager
def mirror(answer: Callable[[BaseHTTPRequestHandler], object]) -> Iterator[str]:
    """A mirror of Pythons on the loopback; its address, with a password in it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with running(HTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield address.replace("://", "://me:s3cret@") + "pythons"


@pytest.mark.parametrize(("status", "times"), [(None, 1), (404, 2), (503, 2)])
def test_a_network_that_does_not_answer_is_asked_once(
    status: int | None, times: int, tmp_path: Path
) -> None:
    """It is for all versions, of which `today` has seven; a mirror may lack one and have others."""
    asked: list[str] = []

    def refuse(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        if status is not None:
            request.send_error(status)

    said: list[str] = []
    with mirror(refuse) as url:
        env = hidden(
            tmp_path,
            UV_PYTHON_DOWNLOADS="automatic",
            UV_PYTHON_INSTALL_MIRROR=url,
            UV_PYTHON_PREFERENCE="managed",
        )
        finder = PythonFinder(env, note=said.append)
        for version in (OLD, OLD, OLDER):
            with pytest.raises(PythonNotFoundError, match="uv cannot fetch one") as caught:
                finder.find_python(version)
            assert "s3cret" not in caught.value.message
    assert [path.startswith("/pythons/") for path in asked] == [True] * times
    assert len(said) == times


def test_a_network_that_swallows_everything_does_not_hold_us_up(tmp_path: Path) -> None:
    """The limit is ours, or the user's own."""
    with mirror(lambda request: request.rfile.read()) as url:
        env = hidden(
            tmp_path,
            UV_PYTHON_DOWNLOADS="automatic",
            UV_PYTHON_INSTALL_MIRROR=url,
            UV_HTTP_TIMEOUT="1",
        )
        with pytest.raises(PythonNotFoundError, match="timed out"):
            PythonFinder(env).find_python(OLD)


def distribution(home: Path) -> tuple[str, Path]:
    """A Python as uv downloads them, that starts the real one: its version, uv's list of it."""
    minor, python = another()
    asked = (
        "import platform, sysconfig as s; print(platform.python_version(), s.get_path('stdlib'))"
    )
    version, library = command.run_command([str(python), "-c", asked], timeout=30).split()
    archive = home / "python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        entry = tarfile.TarInfo(f"python/bin/python{minor}")
        content = f'#!/bin/sh\nexec {python} "$@"\n'.encode()
        entry.size, entry.mode = len(content), 0o755
        tar.addfile(entry, io.BytesIO(content))
        settings = next(Path(library).glob("_sysconfigdata_*.py"))
        tar.add(settings, f"python/lib/python{minor}/{settings.name}")
    libc = "gnu" if platform.libc_ver()[0] == "glibc" else "musl"
    major, middle, micro = map(int, version.split("."))
    found = {
        "name": "cpython",
        "arch": {"family": platform.machine(), "variant": None},
        "os": "linux",
        "libc": libc,
        "major": major,
        "minor": middle,
        "patch": micro,
        "prerelease": "",
        "url": archive.as_uri(),
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "variant": None,
        "build": "1",
    }
    listing = home / "pythons.json"
    listing.write_text(json.dumps({f"cpython-{version}-linux-{platform.machine()}-{libc}": found}))
    return minor, listing


def test_uv_fetches_what_is_missing(tmp_path: Path) -> None:
    """Where the user's settings let it, and whatever refuses; the next run finds it there."""
    version, listing = distribution(tmp_path)
    env = hidden(
        tmp_path,
        shims(tmp_path, f"python{version}", "python3", "python"),
        UV_PYTHON_DOWNLOADS="automatic",
        UV_PYTHON_DOWNLOADS_JSON_URL=str(listing),
    )
    said: list[str] = []
    found = PythonFinder(env, note=said.append).find_python(version)
    words = [str(found), "-c", "import platform; print(platform.python_version())"]
    assert command.run_command(words, timeout=30, env=env).startswith(f"{version}.")
    assert said == [f"there is no CPython {version} here: asking uv for one"]
    again = PythonFinder({**env, "UV_PYTHON_DOWNLOADS": "never"}, note=said.append)
    assert list((tmp_path / "uv").glob(f"cpython-{version}.*"))
    assert again.find_python(version) == found
    assert len(said) == 1


def missing(env: dict[str, str]) -> str:
    """One of today's Pythons that this environment does not have."""
    finder = PythonFinder(env)
    found = next((version for version in PYTHONS if look(finder, version) is None), None)
    return found or needs.lacking("this system has every CPython in its own directories")


def test_pairs_without_their_python_are_told_apart(
    stock_wheel: Callable[[str], Path], tmp_path: Path
) -> None:
    """The rest is tried."""
    env = hidden(tmp_path)
    subject = make_trial(stock_wheel("2.2.1"), "2.2.1", stock=True)
    pairs = [GridPair(subject, missing(env)), GridPair(subject, OURS)]
    found, gone = split_by_python(pairs, PythonFinder(env))
    assert found == pairs[1:]
    assert list(gone) == [pairs[0].python]


def test_a_python_that_is_named_and_missing_ends_the_run_at_once(
    run_builder: RunBuilder, tmp_path: Path
) -> None:
    """Before anything is built or installed; two lines."""
    env = hidden(tmp_path, Path("/usr/bin"))
    version = missing(env)
    done = run_builder("today", "all", "--python", version, env={"PYENV_ROOT": "", **env})
    assert done.returncode == 10
    assert done.stdout == ""
    what, remedy = done.stderr.splitlines()
    assert what.startswith(f"error: there is no CPython {version}: not in PATH, ")
    assert remedy == f"  try: install it, or name one with --python-path /where/python{version}"


def test_pythons_that_nobody_named_are_left_out_and_said(
    run_builder: RunBuilder, tmp_path: Path
) -> None:
    """The others are tried."""
    if OURS not in PYTHONS:
        needs.lacking(f"this is Python {OURS}, which is none of {', '.join(PYTHONS)}")
    caches = read_user_settings(os.environ).cache.parent
    env = hidden(tmp_path, Path("/usr/bin"), UV_CACHE_DIR=str(caches / "uv"))
    config = os.environ.get("XDG_CONFIG_HOME", str(Path.home() / ".config"))
    env |= {"PYENV_ROOT": "", "XDG_CACHE_HOME": str(caches), "XDG_CONFIG_HOME": config}
    done = run_builder("today", "2.21.0", env=env)
    assert done.returncode == 0, done.stderr
    assert f"2.21.0 patched on {OURS}: ok" in done.stdout
    assert "note: left out: Python 3." in done.stderr
