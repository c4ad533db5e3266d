"""Builds in containers, by a real engine and a real Bazel, on small sources."""

from __future__ import annotations

import socket
import stat
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from builder.bazel.bazelrc import BazelServices
from builder.bazel.container_build import BuildMonitor, run_bazel_build
from builder.containers.docker_engine import RUN_LABEL, connect_engine
from builder.containers.volumes import ensure_volume
from builder.errors import EngineError, InterruptedRunError, SourceError
from builder.system.waiting import wait_for
from tests.support.bazel import make_job, small_source
from tests.support.engines import engine, other_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SLOW = "echo begun >&2 && sleep 500"


def _watch(tmp_path: Path) -> BuildMonitor:
    return BuildMonitor(tmp_path / "logs" / "build.log", lambda _: None, lambda: None)


def test_a_build_brings_its_files_out(tmp_path: Path) -> None:
    """What the target made comes out, log and caches are kept, and the container is gone.

    Anybody may read the caches: who carries them to the next machine need not be root.
    """
    source = small_source(tmp_path / "source.tar", "echo made > out/a.whl")
    steps: list[str] = []
    watch = BuildMonitor(tmp_path / "build.log", steps.append, lambda: None)
    engine_ = other_run()
    job = make_job(source, services=BazelServices())._replace(caches=tmp_path / "caches")
    assert run_bazel_build(engine_, job, watch) == {"a.whl": b"made\n"}
    kept = [p for p in (tmp_path / "caches").rglob("*") if p.is_file()]
    assert any(p.is_relative_to(tmp_path / "caches" / "disk" / "ac") for p in kept)
    assert [p for p in kept if not p.stat().st_mode & stat.S_IROTH] == []
    assert "Build completed successfully" in watch.log.read_text()
    assert any(step.startswith("[") for step in steps)
    assert _left(engine_.run_id) == []


def test_a_failed_build_tells_its_error_and_its_log(tmp_path: Path) -> None:
    """Bazel's own error is in the message, what the action said in the hint."""
    source = small_source(tmp_path / "source.tar", "echo boom-4711 >&2 && exit 3")
    watch = _watch(tmp_path)
    with pytest.raises(SourceError) as caught:
        run_bazel_build(engine(), make_job(source), watch)
    assert caught.value.message.startswith("Bazel failed for 2.2.1 with exit code 1: ERROR: ")
    assert "//tensorboard/pip_package:pip_package failed" in caught.value.message
    assert str(watch.log) in caught.value.hint
    assert "boom-4711" in caught.value.hint
    assert "boom-4711" in watch.log.read_text()


def test_a_build_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """The time-out is named with the option that changes it, and nothing goes on."""
    source = small_source(tmp_path / "source.tar", "sleep 500")
    engine_ = other_run()
    with pytest.raises(SourceError, match=r"took longer than 3 s") as caught:
        run_bazel_build(engine_, make_job(source, timeout=3), _watch(tmp_path))
    assert "--timeout" in caught.value.hint
    assert _left(engine_.run_id) == []


def test_an_interrupted_build_leaves_no_container(tmp_path: Path) -> None:
    """When the run is called off while Bazel works, its container is gone at once."""
    source = small_source(tmp_path / "source.tar", SLOW)
    watch = _watch(tmp_path)

    def interrupt() -> None:
        if watch.log.exists() and "Analyzed target" in watch.log.read_text():
            raise InterruptedRunError("interrupted", "")

    engine_ = other_run()
    with pytest.raises(InterruptedRunError):
        run_bazel_build(engine_, make_job(source), watch._replace(check_cancelled=interrupt))
    assert _left(engine_.run_id) == []


def test_a_connection_that_is_killed_leaves_no_container(tmp_path: Path) -> None:
    """The log's stream breaks off halfway: that is said, and the container is removed."""
    source = small_source(tmp_path / "source.tar", SLOW)
    watch = _watch(tmp_path)
    job = make_job(source)
    with _relay() as (address, cut):
        engine_ = connect_engine({"DOCKER_HOST": address})

        def kill() -> None:
            if watch.log.exists() and "Analyzed target" in watch.log.read_text():
                cut()

        with pytest.raises(EngineError, match=r"follow the log|broke off"):
            run_bazel_build(engine_, job, watch._replace(check_cancelled=kill))
    assert _left(engine_.run_id) == []


def test_a_full_disk_in_the_engine_is_named(tmp_path: Path) -> None:
    """`No space left on device` gets the hint that frees space."""
    name = f"test-full-{engine().run_id}"
    full = f"tensorboard-proxy-wheels-{name}"
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=64k"}
    volume = engine().client.volumes.create(full, driver_opts=options, labels={RUN_LABEL: "test"})
    try:
        source = small_source(tmp_path / "s.tar", "head -c 300000 /dev/zero > /cache/x")
        flags = "--spawn_strategy=local"
        job = make_job(source)
        lines = job.settings["bazelrc"] + f"build {flags}\n".encode()
        settings = {**job.settings, "bazelrc": lines}
        with pytest.raises(SourceError) as caught:
            run_bazel_build(
                engine(), job._replace(volume=name, settings=settings), _watch(tmp_path)
            )
        assert "nox -s prune" in caught.value.hint
    finally:
        volume.remove(force=True)


def test_the_cache_volume_is_labelled() -> None:
    """So that `prune` finds it."""
    name = ensure_volume(engine(), "bazel-cache")
    assert name == ensure_volume(engine(), "bazel-cache")
    assert RUN_LABEL in engine().client.volumes.get(name).attrs["Labels"]


def _left(run_id: str) -> list[str]:
    """Containers of that run that are still there, after the moment that removing takes."""
    client = engine().client

    def names() -> list[str]:
        found = client.containers.list(
            all=True, filters={"label": f"{RUN_LABEL}={run_id}"}, ignore_removed=True
        )
        return [str(c.name) for c in found]

    wait_for(lambda: True if not names() else None, 20)
    return names()


@contextmanager
def _relay() -> Iterator[tuple[str, Callable[[], None]]]:
    """A TCP address of the engine, and a function that cuts all connections through it."""
    place = engine().client.api.base_url
    if not place.startswith("http+docker"):
        pytest.skip(f"the engine is remote already: {place}")
    with socket.create_server(("127.0.0.1", 0)) as server:
        open_sockets: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    near, _ = server.accept()
                except OSError:
                    return
                far = socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                open_sockets.extend([near, far])
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_copy, args=(one, other), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()

        def cut() -> None:
            while open_sockets:
                # A connection whose other end has gone already can no longer be shut down.
                with open_sockets.pop() as end, suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

        yield f"tcp://127.0.0.1:{server.getsockname()[1]}", cut
        server.shutdown(socket.SHUT_RDWR)
        for end in open_sockets:
            end.close()


def _copy(one: socket.socket, other: socket.socket) -> None:
    try:
        while piece := one.recv(65536):
            other.sendall(piece)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        return
