"""Which engine is asked, and what is said where it does not answer."""

from __future__ import annotations

import gc
import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest

from builder.containers.docker_engine import connect_engine
from builder.errors import EngineError
from builder.system.ports import find_free_port
from tests.support.engines import engine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder


@pytest.mark.parametrize("verb", ["base-image", "prune"])
def test_no_engine_is_one_clear_line(verb: str, run_builder: RunBuilder) -> None:
    """It says that none answers, and how smoke tests run without one."""
    done = run_builder(verb, env={"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    assert done.returncode == 14
    what = "no container engine answers: /nowhere/docker.sock: No such file or directory"
    assert done.stderr.startswith(f"error: {what}\n")
    assert "--engine process" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_no_engine_is_nothing_stays_open() -> None:
    """docker-py leaves its socket to the garbage collector, which warned in some later test."""
    with pytest.raises(EngineError):
        connect_engine({"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    gc.collect()


def _contexts(directory: Path, current: str, **hosts: str) -> dict[str, str]:
    """Docker's configuration with contexts: name → where its engine is; what names it."""
    for name, host in hosts.items():
        # Docker's client keeps a context in a directory named by the sha256 of its name.
        meta = directory / "contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
        meta.mkdir(parents=True)
        endpoint = {"Host": host, "SkipTLSVerify": False}
        reported = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}
        (meta / "meta.json").write_text(json.dumps(reported))
    (directory / "config.json").write_text(json.dumps({"currentContext": current}))
    return {"DOCKER_CONFIG": str(directory), "DOCKER_HOST": ""}


def test_the_current_context_is_honoured(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Without DOCKER_HOST, the context that `docker context use` chose says where the engine is."""
    port = find_free_port()
    env = _contexts(tmp_path, "away", away=f"tcp://127.0.0.1:{port}")
    done = run_builder("base-image", env=env)
    assert done.returncode == 14, done.stderr
    assert str(port) in done.stderr


def test_a_context_that_is_named_goes_before_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with Docker's own client."""
    here = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    version = engine().version
    env = _contexts(tmp_path, "away", away="unix:///nowhere/docker.sock", here=here)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    near = connect_engine({"DOCKER_CONTEXT": "here"})
    near.client.close()
    assert near.version == version


@pytest.mark.parametrize(("current", "named"), [("gone", ""), ("default", "gone")])
def test_a_context_that_is_not_there_is_no_other_engine(
    run_builder: RunBuilder, tmp_path: Path, current: str, named: str
) -> None:
    """Not the local one: what is removed or built there was meant for another."""
    env = {**_contexts(tmp_path, current), "DOCKER_CONTEXT": named}
    done = run_builder("base-image", env=env)
    assert done.returncode == 14, done.stderr
    assert done.stderr.startswith("error: there is no Docker context 'gone'\n")
    assert "docker context ls" in done.stderr


def test_a_context_that_cannot_be_read_is_named(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Its file was cut off halfway."""
    env = _contexts(tmp_path, "cut", cut="unix:///nowhere/docker.sock")
    (meta,) = tmp_path.glob("contexts/meta/*/meta.json")
    meta.write_text(meta.read_text()[:20])
    done = run_builder("base-image", env=env)
    assert done.returncode == 14, done.stderr
    assert done.stderr.startswith("error: the Docker context 'cut' cannot be read\n")
