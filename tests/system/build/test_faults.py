"""The program when something goes wrong: full disks, signals, races, lying indexes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.cli import STOCK, WHEEL
from tests.support.index_server import ServedFiles, serving
from tests.support.needs import lacking
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.cli import RunBuilder

pytestmark = pytest.mark.usefixtures("warm")


def test_a_tampered_download_never_reaches_dist(
    run_builder: RunBuilder, tmp_path: Path, stock_wheel: Callable[[str], Path]
) -> None:
    """An index that serves other bytes than the catalog pins."""
    content = stock_wheel("2.2.1").read_bytes()
    with serving(ServedFiles({STOCK: content[:-1] + b"x"})) as place:
        env = {"PIP_INDEX_URL": f"http://{place}/simple", "XDG_CACHE_HOME": str(tmp_path / "c")}
        done = run_builder("build", "2.2.1", env=env)
    assert done.returncode == 3
    assert "tampered with or cut short" in done.stderr
    assert not (tmp_path / "dist").exists()


def test_one_failure_does_not_stop_the_others(
    run_builder: RunBuilder, tmp_path: Path, stock_wheel: Callable[[str], Path]
) -> None:
    """The index has one of two wheels: that one is built, the other one is named."""
    content = stock_wheel("2.2.1").read_bytes()
    with serving(ServedFiles({STOCK: content})) as place:
        env = {"PIP_INDEX_URL": f"http://{place}/simple", "XDG_CACHE_HOME": str(tmp_path / "c")}
        done = run_builder("build", "2.2.1", "2.2.2", env=env)
    assert done.returncode == 3
    assert "1 of 2 releases built" in done.stdout
    assert "does not list tensorboard-2.2.2-py3-none-any.whl" in done.stderr
    assert [p.name for p in (tmp_path / "dist").glob("*.whl")] == [WHEEL]


def test_a_different_wheel_in_dist_is_not_lost(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Refused; --force replaces."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / WHEEL).write_text("mine")
    done = run_builder("build", "2.2.1", "--offline")
    assert done.returncode == 7
    assert "--force replaces it" in done.stderr
    assert (tmp_path / "dist" / WHEEL).read_text() == "mine"
    assert run_builder("build", "2.2.1", "--offline", "--force").returncode == 0
    assert (tmp_path / "dist" / WHEEL).stat().st_size > 2_000_000


@pytest.mark.parametrize(("mount", "why"), [("ro", "Read-only"), ("size=1m", "No space left")])
def test_a_directory_that_cannot_take_it(tmp_path: Path, mount: str, why: str) -> None:
    """A real read-only and a real full file system, in a mount namespace of our own."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        lacking("this user may not make a mount namespace (unshare -rm)")
    (tmp_path / "dist").mkdir()
    script = (
        f"mount -t tmpfs -o {mount} tmpfs dist &&"
        f" {sys.executable} -m builder build 2.2.1 --offline; code=$?; ls -A dist; exit $code"
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    assert why in done.stderr
    assert done.stdout == ""


@pytest.mark.alone  # the signal has to arrive while wheels are being built
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_in_the_middle_leaves_whole_pairs(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """What is complete stays, each wheel with its statement; nothing temporary is left."""
    words = [sys.executable, "-m", "builder", "build", "all", "--jobs", "2"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        words,
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        _, errors = process.communicate(timeout=300)
    assert process.returncode == code, errors
    assert "nothing was left half-written" in errors
    assert "Traceback" not in errors
    names = {p.name for p in (tmp_path / "dist").iterdir()}
    wheels = {n for n in names if n.endswith(".whl")}
    assert 0 < len(wheels) < 45
    assert names == wheels | {f"{n}.provenance.json" for n in wheels}


def test_two_builds_of_one_release_at_once(tmp_path: Path) -> None:
    """Both succeed, and there is one wheel."""
    words = [sys.executable, "-m", "builder", "build", "2.2.1", "--offline"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL) for _ in range(2)
    ]
    assert [p.wait(timeout=300) for p in both] == [0, 0]
    assert len(list((tmp_path / "dist").iterdir())) == 2


@pytest.mark.parametrize(("verb", "wheels"), [("plan", 0), ("build", 3)])
def test_a_reader_that_goes_is_no_error(
    tmp_path: Path, verb: str, wheels: int, stock_wheel: Callable[[str], Path]
) -> None:
    """`… | head -1` ends quietly, and what was asked for is done."""
    wanted = ("2.2.0", "2.2.1", "2.2.2")
    for version in wanted:
        stock_wheel(version)  # a fetch would be told on stderr
    words = f"{sys.executable} -m builder {verb} {' '.join(wanted)}"
    script = f"{words} 2>err | head -1; echo ${{PIPESTATUS[0]}} $(cat err | wc -c)"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 0"
    assert len(list(tmp_path.glob("dist/*.whl"))) == wheels


def test_names_cannot_write_to_the_terminal(run_builder: RunBuilder, tmp_path: Path) -> None:
    """A member's name with an escape sequence is spelt out."""
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as wheel:
        wheel.writestr("tensorboard/\x1b[2J.py", "")
    done = run_builder("check", WHEEL, "--offline")
    assert done.returncode == 6
    assert "\\x1b[2J" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_ctrl_c_stops_a_download(tmp_path: Path, stock_wheel: Callable[[str], Path]) -> None:
    """An index that trickles: the process ends long before the file would."""
    content = stock_wheel("2.2.1").read_bytes()
    served = ServedFiles({STOCK: content}, trickle=0.2)
    with serving(served) as place:
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PIP_INDEX_URL": f"http://{place}/simple",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        }
        words = [sys.executable, "-m", "builder", "build", "2.2.1"]
        with subprocess.Popen(
            words, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert "fetching" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--timeout", "nan", "'nan' is not a valid integer"), ("--bazel", "/nope", "Bazel /nope")],
)
def test_what_no_source_build_can_do_is_said_first(
    run_builder: RunBuilder, tmp_path: Path, option: str, value: str, said: str
) -> None:
    """Before engine, index and repository are asked: none of them is there."""
    env = {"DOCKER_HOST": "unix:///nowhere", "XDG_CACHE_HOME": str(tmp_path)}
    words = ("--offline", "--backend", "bazel", option, value)
    done = run_builder("build", "2.2.1", *words, env=env)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
