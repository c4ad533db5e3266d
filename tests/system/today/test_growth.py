"""A run that is still written to: every point is shown once it is whole, in every release."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from builder.tensorboard.events import encode_event, encode_record
from builder.tensorboard.server import run_tensorboard
from builder.tensorboard.summaries import encode_old_scalar, encode_summary
from tests.support import needs
from tests.support.environments import Place, our_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from builder.tensorboard.server import TensorBoardServer

# One of each form of the reader, of the loader, and of the directory's watcher.
RELEASES = ["1.14.0", "1.15.0", "2.1.0", "2.1.1", "2.2.1", "2.21.0"]
PYTHON = "3.13"
START = 1_600_000_000.0
WAIT = 30.0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An environment into which each release is put in its turn."""
    return Place(tmp_path_factory.mktemp("growth") / "place", needs.python(PYTHON))


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest, place: Place, tmp_path: Path) -> str:
    """A release, which is in that environment now."""
    version = str(request.param)
    place.replace(our_wheel(version, tmp_path))
    return version


def test_a_record_comes_once_and_whole(release: str, place: Place) -> None:
    """However a file grows, each record is read just when its last byte is there."""
    del release

    # A seed is as simple as another one: to shrink it is of no use.
    @given(seed=st.integers(0, 2**32))
    @settings(max_examples=5, deadline=None, phases=[Phase.generate])
    def grow(seed: int) -> None:
        reported = place.drive("growth_driver.py", str(place.workdir), str(seed))
        assert reported == {"same": True, "wrong": [], "nothing": [], "tensorflow": "stub"}

    grow()


def test_the_server_shows_new_points(release: str, place: Place) -> None:
    """A record that is cut anywhere waits for its rest, and the server goes on."""
    path = place.workdir / release / "run" / "events.out.tfevents.1"
    path.parent.mkdir(parents=True)
    path.write_bytes(encode_record(encode_event(START, 0, b"\x1a\x0dbrain.Event:2")) + _point(0))
    script = place.python.parent / "tensorboard"
    flags = ["--reload_interval", "1"]
    if release == "2.21.0":
        flags += ["--load_fast", "false"]  # Python reads, not the data server
    with run_tensorboard(script, path.parent.parent, place.workdir, place.env, flags) as server:
        _wait_for(server, [0])
        for step, cut in enumerate((3, 9, 20, -2), 1):
            point = _point(step)
            _append(path, point[:cut])
            time.sleep(2.5)  # the server looks at it meanwhile, twice
            assert _steps(server) == list(range(step))
            _append(path, point[cut:])
            _wait_for(server, list(range(step + 1)))
        log = server.log.read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in log


def _point(step: int) -> bytes:
    return encode_record(
        encode_event(START + step, step, encode_summary(encode_old_scalar("loss", 0.5**step)))
    )


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def _steps(server: TensorBoardServer) -> list[int]:
    answer = server.send_request("/data/plugin/scalars/scalars?run=run&tag=loss")
    rows: list[Any] = answer.json() if answer.status_code == 200 else []
    return [row[1] for row in rows]


def _wait_for(server: TensorBoardServer, steps: list[int]) -> None:
    deadline = time.monotonic() + WAIT
    while _steps(server) != steps and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _steps(server) == steps
