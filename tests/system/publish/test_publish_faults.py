"""`publish` when something goes wrong: signals, races, no Python, and a token to keep."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.support.cli import WHEEL
from tests.support.releases import ROOT
from tests.support.upload_server import CANARY, STORE, Act, Conduct, misbehaving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cli import RunBuilder

pytestmark = pytest.mark.usefixtures("both_warm")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_in_the_middle_of_an_upload(
    number: signal.Signals, code: int, tmp_path: Path, run_builder: RunBuilder, env: dict[str, str]
) -> None:
    """Stored, and no answer yet: the run ends, the next one finds it and sends nothing."""
    conduct = Conduct(deque([Act(None, store=True)]))
    with misbehaving(conduct) as url:
        words = ["publish", "2.2.1", "--repository", url, "--no-install"]
        with subprocess.Popen(
            [sys.executable, "-m", "builder", *words],
            cwd=tmp_path,
            env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            for _ in range(3000):
                if conduct.stored or process.poll() is not None:
                    break
                threading.Event().wait(0.1)
            process.send_signal(number)
            _, errors = process.communicate(timeout=300)
        assert process.returncode == code, errors
        again = run_builder(*words, env=env)
    assert again.returncode == 0, again.stderr
    assert f"2.2.1 {WHEEL} skipped" in again.stdout
    assert conduct.posts == 1


def test_two_at_once_store_it_once(run_builder: RunBuilder, env: dict[str, str]) -> None:
    """Whoever comes second finds it there, or is told so and looks."""
    conduct = Conduct(once=True)
    outcomes: list[subprocess.CompletedProcess[str]] = []
    with misbehaving(conduct) as url:
        words = ("publish", "2.2.1", "--repository", url, "--no-install")
        threads = [
            threading.Thread(target=lambda: outcomes.append(run_builder(*words, env=env)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [o.returncode for o in outcomes] == [0, 0], [o.stderr for o in outcomes]
    assert conduct.stored == [WHEEL]


def test_without_a_python_to_install_it_back_on_nothing_is_sent(
    run_builder: RunBuilder, env: dict[str, str]
) -> None:
    """What is published stays so: whether it can be tried is known before."""
    conduct = Conduct()
    with misbehaving(conduct) as url:
        words = ("publish", "2.2.1", "--repository", url, "--python", "3.99")
        done = run_builder(*words, env=env)
        assert done.returncode == 13, done.stderr
        assert "2.2.1 was not sent: there is no CPython 3.99: " in done.stderr
        assert "--no-install" in done.stderr
        assert conduct.posts == 0
        older = run_builder(*words[:-1], "3.6", env=env)
        assert older.returncode == 13, older.stderr
        assert "2.2.1 was not sent: it requires Python >=3.7, not 3.6" in older.stderr
        assert run_builder(*words[:-1], "2.7", env=env).returncode == 2
    assert conduct.posts == 0


@pytest.mark.alone  # it looks at all processes again and again, and must not miss one
def test_the_token_is_seen_nowhere(tmp_path: Path, env: dict[str, str]) -> None:
    """Not in a command line or a child's environment, not in words, files, or tracebacks."""
    conduct = Conduct(deque([STORE, Act(403, "no {authorization}")]))
    with misbehaving(conduct) as url:
        words = ["publish", "2.2.1", "2.2.2", "--repository", url, "--debug"]
        with subprocess.Popen(
            [sys.executable, "-m", "builder", *words],
            cwd=tmp_path,
            env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            seen = set(_watched(psutil.Process(process.pid)))
            out, _ = process.communicate(timeout=300)
    assert process.returncode == 13, out
    assert f"2.2.1 {WHEEL} uploaded" in out
    assert "started on Python" in out
    assert "2.2.2 failed: the index refuses" in out
    assert {"uv", "tensorboard"} <= {name for name, _ in seen}, "nothing was watched"
    assert not [name for name, text in seen if CANARY in text]
    assert CANARY not in out
    assert conduct.authorizations[0].removeprefix("Basic ") not in out
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path


def _watched(parent: psutil.Process) -> Iterator[tuple[str, str]]:
    """Name, and command line and environment, of every program while the parent runs.

    The parent's own environment has the token: the user put it there. Between fork and exec a child
    is the parent still.
    """
    own = parent.cmdline()
    while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
        with suppress(psutil.Error):
            yield "builder", " ".join(parent.cmdline())
        with suppress(psutil.Error):
            for child in parent.children(recursive=True):
                with suppress(psutil.Error):
                    line = child.cmdline()
                    if line != own:
                        yield child.name(), f"{line} {child.environ()}"
        threading.Event().wait(0.01)
