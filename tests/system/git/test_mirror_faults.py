"""A mirror of upstream when something goes wrong: passwords, kills, races, no git."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from builder.errors import InterruptedRunError, SourceError
from builder.git.mirror import open_mirror
from builder.git.remote import parse_remote
from builder.system.files import lock_path
from tests.support import needs
from tests.support.git_servers import Log, command_lines, http_server
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder
    from tests.support.upstream import OpenMirror, StandIn


def test_passwords_stay_secret(
    run_builder: RunBuilder, own_cache: Path, upstream: StandIn, tmp_path: Path
) -> None:
    """One in a URL is used, and stands in no command line of git's, no file and no message."""
    secret = "c4n4ry"
    log = Log()
    # The user's own helper keeps in a file whatever git hands it.
    (tmp_path / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    with http_server(upstream.path.parent, log, secret) as host:
        words = ("build", "2.2.1", "--cherry-pick", upstream.proxy, "--upstream")
        env = {"XDG_CACHE_HOME": str(own_cache), "HOME": str(tmp_path)}
        done = run_builder(*words, f"http://me:{secret}@{host}/upstream.git", env=env)
        assert done.returncode == 0, done.stderr
        lines = [line for line in log.command_lines if " -m builder " not in line]
        assert any("git" in line and host in line for line in lines)
        assert not [line for line in lines if secret in line]
        wrong = run_builder(*words, f"http://me:wr0ng@{host}/other.git", env=env)
        none = run_builder(*words, f"http://{host}/another.git", env=env)
    assert secret not in done.stdout + done.stderr
    kept = tmp_path / ".git-credentials"
    for path in (kept, *tmp_path.glob("dist/*"), *own_cache.glob("*/git/**/*")):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path
    assert (wrong.returncode, none.returncode) == (15, 15)
    assert "Authentication failed" in wrong.stderr
    assert "wr0ng" not in wrong.stderr
    assert "could not read Username" in none.stderr
    assert "credential helper" in none.stderr


def test_no_helper_keeps_the_password_of_pips_proxy(
    mirrored: OpenMirror, upstream: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lets git through, and the user's own helper is not told of its password."""
    (tmp_path / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    log = Log()
    with http_server(upstream.path.parent, log) as host:
        mirrored("http://git.invalid/upstream.git", PIP_PROXY=f"http://me:c4n4ry@{host}")
    assert "GET http://git.invalid/upstream.git/info/refs" in log.requests[0]
    assert not (tmp_path / ".git-credentials").exists()


def test_the_cause_is_said_and_not_that_it_could_not_be_read(
    mirrored: OpenMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory that is no repository; an ssh that fails. What git says last is always true."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="empty' does not appear to be a git repository"):
        mirrored(tmp_path / "empty")
    monkeypatch.setenv("GIT_SSH_COMMAND", "sh -c 'echo ssh: nobody there >&2; exit 255'")
    with pytest.raises(SourceError, match="git clone failed: ssh: nobody there"):
        mirrored("ssh://host.invalid/x")


def test_what_a_killed_clone_left_is_cleared_away(
    mirrored: OpenMirror, upstream: StandIn, tmp_path: Path
) -> None:
    """By the next clone of the same repository; another's is not touched."""
    key = parse_remote(str(upstream.path)).key
    ours, theirs = (tmp_path / "git" / f"incoming-{k}-0a_b1c2d" for k in (key, "0" * 16))
    for left in (ours, theirs):
        left.mkdir(mode=0o700, parents=True)
        (left / "mirror.git").mkdir()
    mirrored(upstream.path)
    assert (ours.exists(), theirs.exists()) == (False, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_clone_leaves_nothing(
    own_cache: Path, upstream: StandIn, tmp_path: Path, number: signal.Signals
) -> None:
    """No half mirror, no git that goes on; the next run clones."""
    log = Log(silent=True)
    with http_server(upstream.path.parent, log) as host:
        url = f"http://{host}/upstream.git"
        words = [sys.executable, "-m", "builder", "plan", "2.2.1", "--cherry-pick", "proxy"]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(own_cache)}
        process = subprocess.Popen(
            [*words, "--upstream", url], env=env, cwd=tmp_path, stderr=subprocess.PIPE
        )
        with process:
            assert log.asked.wait(timeout=300)
            process.send_signal(number)
            _, stderr = process.communicate(timeout=300)
        assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[number], stderr
        left = [p.name for p in (own_cache / "tensorboard-proxy-wheels" / "git").iterdir()]
        assert [p for p in left if not p.endswith(".lock")] == []
        assert not [line for line in command_lines() if url in line]
        log.silent = False
        done = subprocess.run(
            [*words, "--upstream", url], env=env, cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_who_waits_for_another_run_can_be_interrupted(upstream: StandIn, tmp_path: Path) -> None:
    """The other may clone for an hour."""
    remote = parse_remote(str(upstream.path))
    (tmp_path / "git").mkdir(mode=0o700)

    context = needs.context(store=tmp_path)
    with lock_path(tmp_path / "git" / f"{remote.key}.lock", context.check_cancelled):
        threading.Timer(1, context.cancelled.set).start()
        with pytest.raises(InterruptedRunError):
            open_mirror(context, remote, None, offline=False)


def test_two_runs_share_one_clone(upstream: StandIn, own_cache: Path, tmp_path: Path) -> None:
    """Started at once on an empty cache, both succeed, and the repository is cloned once."""
    log = Log()
    with http_server(upstream.path.parent, log) as host:
        words = [sys.executable, "-m", "builder", "plan", "2.2.1", "--cherry-pick", "proxy"]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(own_cache)}
        runs = [
            subprocess.Popen(
                [*words, "--json", "--upstream", f"http://{host}/upstream.git"],
                env=env,
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        outcomes = [(*run.communicate(timeout=300), run.returncode) for run in runs]
    assert [code for *_, code in outcomes] == [0, 0], outcomes
    assert outcomes[0][0] == outcomes[1][0]
    assert sum("cloning" in stderr for _, stderr, _ in outcomes) == 1


def test_without_git_it_says_so(run_builder: RunBuilder, upstream: StandIn, tmp_path: Path) -> None:
    """And with one that is too old."""
    words = ("plan", "2.2.1", "--cherry-pick", "proxy", "--upstream", str(upstream.path))
    python = (sys.executable,)
    env = {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "xdg")}
    done = run_builder(*words, env=env, python=python)
    assert (done.returncode, "git is not installed" in done.stderr) == (15, True), done.stderr
    (tmp_path / "bin").mkdir()
    old = tmp_path / "bin" / "git"
    old.write_text("#!/bin/sh\necho git version 2.20.1\n")
    old.chmod(0o755)
    done = run_builder(*words, env=env, python=python)
    assert (done.returncode, "git version 2.20.1 is too old" in done.stderr) == (15, True), (
        done.stderr
    )
