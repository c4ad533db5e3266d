"""builder.smoke.engines.namespace: one port alone is let through; nothing outlives its block."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from builder.errors import SmokeError
from builder.smoke.engines import namespace, namespace_init, workdir_processes
from builder.smoke.engines.namespace import NamespaceIsolation, host_process
from builder.system import command
from builder.system.ports import can_connect, find_free_port
from builder.system.waiting import wait_for
from tests.support.needs import lacking
from tests.support.processes import named, wait_until_ended
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from builder.smoke.engines.namespace import HostedProcess

DEADLINE = 20.0
WAYS = {
    "loopback": NamespaceIsolation(),
    "root": namespace.ISOLATION_METHODS[0],
    "user": namespace.ISOLATION_METHODS[1],
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> NamespaceIsolation:
    """Each way that this user has."""
    chosen = WAYS[request.param]
    if chosen and subprocess.run([*chosen.enter, "true"], check=False).returncode:
        lacking(f"this user may not: {' '.join(chosen.enter)}")
    return chosen


@pytest.fixture
def workdir(tmp_path: Path) -> Iterator[Path]:
    """A room as `host_process` wants it; no process that names it is left."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "page").write_text("here I am")
    yield tmp_path
    assert named(tmp_path) == []


def serve(
    workdir: Path, way: NamespaceIsolation, port: int
) -> AbstractContextManager[HostedProcess]:
    """A web server in the room."""
    words = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    return host_process(words, port, way, workdir=workdir, env=env(workdir))


def env(workdir: Path) -> dict[str, str]:
    """The least that a program needs."""
    return {"PATH": os.environ["PATH"], "TMPDIR": str(workdir)}


def fetch(port: int) -> str:
    """The page there, once there is one."""

    def ask() -> str | None:
        try:
            return requests.get(f"http://127.0.0.1:{port}/page", timeout=5).text
        except requests.RequestException:
            return None

    page = wait_for(ask, DEADLINE)
    assert page is not None, f"no answer within {DEADLINE} s"
    return page


def test_only_its_port_is_let_through(workdir: Path, way: NamespaceIsolation) -> None:
    """The page comes through the one port; its own port is within reach on plain loopback only."""
    port = find_free_port()
    with serve(workdir, way, port) as hosted:
        assert fetch(hosted.port) == "here I am"
        assert can_connect("127.0.0.1", port) is not bool(way)
    assert not can_connect("127.0.0.1", hosted.port)


def test_programs_join_it(workdir: Path, way: NamespaceIsolation) -> None:
    """They see its network and its processes, start in a directory, and exit codes come back."""
    port = find_free_port()
    with serve(workdir, way, port) as hosted:
        fetch(hosted.port)
        ask = f"import socket; socket.create_connection(('127.0.0.1', {port})); print('in')"
        words = [sys.executable, "-c", f"import os; print(os.getcwd()); {ask}; exit(3)"]
        line = [*hosted.build_join_command(workdir / "work"), *words]
        done = command.try_command(line, timeout=DEADLINE, cwd=workdir / "work", env=env(workdir))
        assert done == (3, f"{workdir / 'work'}\nin\n")
        seen = command.run_command(
            [*hosted.build_join_command(workdir), "readlink", "/proc/self/ns/pid"], timeout=DEADLINE
        )
        assert (seen.strip() != str(Path("/proc/self/ns/pid").readlink())) is bool(way)
        if way:
            count = command.run_command(
                [*hosted.build_join_command(workdir), "ls", "/proc"], timeout=DEADLINE
            ).split()
            assert len([name for name in count if name.isdigit()]) < 10


def test_orphans_end_with_it_and_are_buried(workdir: Path, way: NamespaceIsolation) -> None:
    """One that nobody knows any more is killed; one that ended before leaves no zombie."""
    port = find_free_port()
    script = "setsid sleep 1234 >/dev/null 2>&1 & setsid true >/dev/null 2>&1 &"
    with serve(workdir, way, port) as hosted:
        fetch(hosted.port)
        line = [*hosted.build_join_command(workdir), "sh", "-c", script]
        assert command.try_command(line, timeout=DEADLINE, env=env(workdir)) == (0, "")
        # The shell is gone, `sleep` may be on its way yet.
        assert wait_for(lambda: any("sleep 1234" in w for w in named(workdir)) or None, DEADLINE)
        if way:
            first = psutil.Process(int(hosted.build_join_command(workdir)[-3]))
            assert wait_for(lambda: not _unburied(first) or None, DEADLINE), _unburied(first)
    assert named(workdir) == []


def _unburied(first: psutil.Process) -> list[psutil.Process]:
    zombies = []
    for process in first.children():
        with suppress(psutil.NoSuchProcess):
            if process.status() == psutil.STATUS_ZOMBIE:
                zombies.append(process)
    return zombies


def test_its_end_is_told(workdir: Path, way: NamespaceIsolation) -> None:
    """The program's exit code is that of the process, and callers are refused, not kept waiting."""
    words = [sys.executable, "-c", "print('I am done'); exit(7)"]
    with host_process(words, 1, way, workdir=workdir, env=env(workdir)) as hosted:
        assert command.wait_for_exit(hosted.process, DEADLINE) == 7
        assert not can_connect("127.0.0.1", hosted.port)
        if way:
            with pytest.raises(SmokeError, match="gone"):
                hosted.build_join_command(workdir)
    assert (workdir / "log").read_text() == "I am done\n"


HOLD = """
    import sys, threading
    from pathlib import Path
    from builder.cli import _SigtermInterrupt, _raise_sigterm_interrupt
    from builder.smoke.engines.namespace import ISOLATION_METHODS, NamespaceIsolation, host_process
    import signal
    signal.signal(signal.SIGTERM, _raise_sigterm_interrupt)
    room, port, way = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    way = NamespaceIsolation() if way == "loopback" else ISOLATION_METHODS[way == "user"]
    words = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    with host_process(words, port, way, workdir=room, env={"TMPDIR": str(room)}) as hosted:
        print(hosted.port, flush=True)
        threading.Event().wait()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_ends_when_we_are_killed(
    workdir: Path, way: NamespaceIsolation, number: signal.Signals
) -> None:
    """Ctrl-C, SIGTERM, and SIGKILL, after which nobody can clean up."""
    name = next(n for n, one in WAYS.items() if one == way)
    words = [sys.executable, "-c", textwrap.dedent(HOLD), str(workdir), str(find_free_port()), name]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as holder:
        assert holder.stdout is not None
        try:
            port = int(holder.stdout.readline())
            assert fetch(port) == "here I am"
            holder.send_signal(number)
            holder.wait(DEADLINE)
        finally:
            holder.kill()
    assert wait_until_ended(workdir, DEADLINE) == []
    # A process that ends has no environment any more before its sockets are closed.
    assert wait_for(lambda: not can_connect("127.0.0.1", port) or None, DEADLINE)


def test_orders_come_through_a_command_line(tmp_path: Path) -> None:
    """What is spelt is read."""
    orders = namespace_init.InitArguments(3, 4, 8888, True, tmp_path, ("/bin/a b", "--c=d", ""))
    assert namespace_init.parse_arguments(orders.to_command_line()) == orders


def test_a_way_is_found_or_the_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Here one of the ways, or why not; without `unshare` the reason names it."""
    found = namespace.find_isolation()
    assert found in namespace.ISOLATION_METHODS or found.reason
    monkeypatch.setenv("PATH", str(tmp_path))
    lost = namespace.find_isolation()
    assert not lost
    assert "unshare is not installed" in lost.reason


def test_survivors_are_told_apart(tmp_path: Path) -> None:
    """Those that name the directory are found and ended; others stay."""
    with (
        subprocess.Popen(["sleep", "1000"], env={"HOME": f"{tmp_path}/home"}) as ours,
        subprocess.Popen(["sleep", "1000"], env={"HOME": "/", "PWD": str(tmp_path)}) as other,
    ):
        try:
            assert wait_for(
                lambda: (
                    [p.pid for p in workdir_processes.list_workdir_processes(tmp_path)]
                    == [ours.pid]
                    or None
                ),
                5,
            )
            workdir_processes.kill_workdir_processes(tmp_path)
            assert ours.wait(DEADLINE) == -signal.SIGKILL
            assert other.poll() is None
        finally:
            other.kill()


def test_a_survivor_is_seen_while_it_becomes_another_program(tmp_path: Path) -> None:
    """In the middle of execve(2) it has none or only some of its variables; many take longer."""
    program = tmp_path / "again"
    program.write_text('#!/bin/sh\nexec "$0"\n')
    program.chmod(0o755)
    many = {f"VARIABLE_{number}": "its value" for number in range(2000)}
    with subprocess.Popen([program], env={"HOME": str(tmp_path), **many}) as ours:
        try:
            seen = [
                [p.pid for p in workdir_processes.list_workdir_processes(tmp_path)]
                for _ in range(200)
            ]
        finally:
            ours.kill()
    assert seen == [[ours.pid]] * 200


def test_a_survivor_is_seen_behind_variables_that_are_none(tmp_path: Path) -> None:
    """A program may overwrite its variables; what is left of them counts."""
    start = (
        "import ctypes, sys; variables = (ctypes.c_char_p * 3)(b'', sys.argv[1].encode());"
        "words = (ctypes.c_char_p * 3)(b'sleep', b'60');"
        "ctypes.CDLL(None).execve(b'/bin/sleep', words, variables)"
    )
    with subprocess.Popen([sys.executable, "-c", start, f"HOME={tmp_path}"], env={}) as ours:
        try:
            wait_for(lambda: psutil.Process(ours.pid).name() == "sleep" or None, DEADLINE)
            found = workdir_processes.list_workdir_processes(tmp_path)
        finally:
            ours.kill()
    assert [process.pid for process in found] == [ours.pid]
