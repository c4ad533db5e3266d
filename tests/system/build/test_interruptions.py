"""Runs that are held up by an index, and are then interrupted or killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.hostile_servers import (
    keep_silent,
    list_wheel,
    run_hostile_server,
    trickle_body,
    trickle_head,
)
from tests.support.releases import CATALOG, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cli import RunBuilder
    from tests.support.hostile_servers import Manner

# Two seconds are wanted; without the bounds it took until the server ended, or two minutes.
_GENEROUS = 30.0


@contextmanager
def _start_build(tmp_path: Path, manner: Manner) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start a build of two releases, in threads, that is held up by its index; gives the index."""
    found = CATALOG.find_release("2.2.1")
    assert found is not None
    with run_hostile_server(manner, list_wheel(found.wheel)) as server:
        index = f"http://{server.host}/simple/"
        words = [sys.executable, "-m", "builder", "build", "2.2.1", "2.2.0", "--jobs", "2"]
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "PIP_INDEX_URL": index,
        }
        with subprocess.Popen(words, cwd=tmp_path, env=env, stderr=subprocess.PIPE) as process:
            assert server.asked.wait(300)
            yield process, index


def _run_code(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code that may not end by itself."""
    words = [sys.executable, "-c", code]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        words, env=env, capture_output=True, text=True, check=False, timeout=_GENEROUS
    )


def _list_left(tmp_path: Path) -> list[str]:
    return [path.name for path in tmp_path.rglob("*") if path.name.startswith("incoming-")]


@pytest.mark.parametrize("manner", [keep_silent, trickle_head, trickle_body])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_download(manner: Manner, number: signal.Signals, tmp_path: Path) -> None:
    """The threads that download end, too, and nothing is left of it."""
    with _start_build(tmp_path, manner) as (process, _):
        process.send_signal(number)
        _, errors = process.communicate(timeout=_GENEROUS)
    assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[number], errors
    assert b"nothing was left half-written" in errors
    assert _list_left(tmp_path) == []


def test_a_signal_of_which_the_main_thread_is_not_told_ends_its_wait() -> None:
    """As if it came just before the wait began: Python calls no handler while a lock is awaited."""
    code = (
        "import signal, threading, click, builder.cli\n"
        "from concurrent.futures import Future\n"
        "from builder.system.waiting import iterate_completed\n"
        "@click.command()\n"
        "def verb():\n"
        "    def send(): signal.pthread_kill(threading.get_ident(), signal.SIGTERM)\n"
        "    threading.Timer(0.5, send).start()\n"
        "    next(iterate_completed([Future()]))\n"
        "builder.cli.main([], verb)\n"
    )
    done = _run_code(code)
    assert done.returncode == 143, done.stderr


def test_a_thread_that_goes_on_cannot_change_the_exit_code() -> None:
    """Python's shutdown with a thread in C code may crash; so what it would do does not happen."""
    code = (
        "import atexit, os, threading, time, click, builder.cli\n"
        "atexit.register(os._exit, 139)\n"  # registered before ours, so called after it
        "@click.command()\n"
        "def verb():\n"
        "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "    atexit.register(print, 'cleaned up')\n"
        "    return 3\n"
        "builder.cli.main(command=verb)\n"
    )
    done = _run_code(code)
    assert (done.returncode, done.stdout) == (3, "cleaned up\n"), done.stderr


def test_the_next_run_removes_what_a_kill_left(tmp_path: Path, run_builder: RunBuilder) -> None:
    """The half download of a run that was killed, and not that of one that goes on."""
    with _start_build(tmp_path, trickle_body) as (process, index):
        process.kill()
        process.communicate(timeout=_GENEROUS)
        left = _list_left(tmp_path)
        assert left
        env = {
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "PIP_INDEX_URL": index,
            "TENSORBOARD_WHEELS_TIMEOUT": "1",
        }
        done = run_builder("build", "2.2.1", env=env)
    assert done.returncode == 3, done.stderr
    assert "TENSORBOARD_WHEELS_TIMEOUT gives it more" in done.stderr
    assert _list_left(tmp_path) == []
