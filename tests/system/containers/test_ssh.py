"""An engine behind ssh: the system's ssh, and Docker's client at the far end."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from builder.containers.bounded_client import BoundedClient, RequestBounds
from builder.containers.containers import ContainerOptions, run_container
from builder.containers.docker_engine import ContainerEngine
from builder.containers.ssh import SshTunnel
from tests.support.engines import base_image, build_base
from tests.support.git_servers import command_lines
from tests.support.needs import lacking

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder

# In the place of ssh: the other machine is this one. What it was told to reach, it keeps.
NEAR = """\
#!/bin/sh
for word; do
  if [ "$end" ]; then address=${address:-$word}; command=$word; fi
  if [ "$word" = -- ]; then end=yes; fi
done
echo "$address" >> {seen}
unset DOCKER_HOST
exec sh -c "$command"
"""


@pytest.fixture
def near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ssh on PATH that reaches this machine; the file that tells what it was given."""
    if shutil.which("docker") is None:
        lacking("there is no docker client")
    ssh, seen = tmp_path / "bin" / "ssh", tmp_path / "seen"
    ssh.parent.mkdir()
    ssh.write_text(NEAR.replace("{seen}", str(seen)))
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    return seen


def test_an_engine_behind_ssh_does_all_that_one_does(near: Path) -> None:
    """Requests, streams, archives in and out; nothing of it runs on afterwards."""
    image = base_image()
    with closing(SshTunnel("ssh://me@far.example:2222")) as tunnel:
        client = BoundedClient(RequestBounds(tunnel.url, None), base_url=tunnel.url)
        own = ContainerEngine(client, "ssh://me@far.example:2222")
        assert own.host == "far.example"
        with run_container(
            own, "test-ssh", ContainerOptions(image, ["sh", "-c", "echo up; sleep 600"])
        ) as made:
            made.write_files("/home", {"a.txt": b"content" * 100_000})
            code, said = made.run_program(["sh", "-c", "wc -c < /home/a.txt; cat /home/a.txt"])
            assert (code, said) == (0, "700000\n" + "content" * 100_000)
            assert len(b"".join(made.read_tar("/home/a.txt"))) > 700_000
            assert made.read_log() == "up\n"
        own.client.close()
    assert set(near.read_text().split()) == {"ssh://me@far.example:2222"}


def test_docker_host_may_name_it(run_builder: RunBuilder, near: Path, tmp_path: Path) -> None:
    """Also for the program as a whole, which leaves neither ssh nor socket behind."""
    build_base()
    workdir = tmp_path / "tmp"
    workdir.mkdir()
    env = {"DOCKER_HOST": f"ssh://{tmp_path.name}", "TMPDIR": str(workdir)}
    done = run_builder("base-image", "build", env=env)
    assert done.returncode == 0, done.stderr
    assert "is there" in done.stdout
    assert near.exists()
    assert list(workdir.iterdir()) == []
    assert not [line for line in command_lines() if f"ssh://{tmp_path.name}" in line]


def test_what_ssh_says_is_said(run_builder: RunBuilder) -> None:
    """Nobody listens there; or this machine has no ssh."""
    done = run_builder("base-image", env={"DOCKER_HOST": "ssh://127.0.0.1:1"})
    assert done.returncode == 14, done.stderr
    there = "no container engine answers at ssh://127.0.0.1:1: ssh: connect to host 127.0.0.1"
    without = "ssh is not installed, and the engine is at ssh://127.0.0.1:1"
    assert done.stderr.startswith(f"error: {there if shutil.which('ssh') else without}")


def test_a_password_is_refused_and_not_shown(run_builder: RunBuilder) -> None:
    """As Docker's own client refuses it: it would stand in ssh's command line."""
    done = run_builder("base-image", env={"DOCKER_HOST": "ssh://me:canary-31@127.0.0.1:1"})
    assert done.returncode == 14, done.stderr
    assert "holds a password" in done.stderr
    assert "canary" not in done.stderr


def test_without_ssh_it_says_so(run_builder: RunBuilder, tmp_path: Path) -> None:
    """And which address wants it."""
    env = {"DOCKER_HOST": "ssh://far.example", "PATH": str(tmp_path)}
    done = run_builder("base-image", env=env)
    assert done.returncode == 14, done.stderr
    assert "ssh is not installed, and the engine is at ssh://far.example" in done.stderr
