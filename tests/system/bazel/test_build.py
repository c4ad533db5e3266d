"""`build --backend bazel` as a user runs it, and the Dockerfile by hand, on the stand-in."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.build.equivalence import compare_wheels
from builder.system.waiting import wait_for
from builder.wheel import archive
from tests.support.bazel import changed_upstream, containers, replace_rule
from tests.support.cli import WHEEL
from tests.support.engines import build_base, engine
from tests.support.git_servers import Log, command_lines, http_server
from tests.support.needs import lacking
from tests.support.releases import ROOT
from tests.support.upstream import git

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.cli import RunBuilder
    from tests.support.upstream import StandIn

BAZEL = ("--backend", "bazel")


@pytest.fixture(autouse=True)
def _base() -> None:
    build_base()


def _internal(wheel: Path) -> dict[str, object]:
    reported = json.loads(Path(f"{wheel}.provenance.json").read_text())
    definition = reported["predicate"]["buildDefinition"]
    parts: dict[str, object] = definition["internalParameters"]
    return {**parts, "type": definition["buildType"], "of": definition["resolvedDependencies"]}


def test_both_ways_give_the_same_wheel(
    run_builder: RunBuilder, upstream: StandIn, tmp_path: Path
) -> None:
    """A picked commit through Bazel and through the overlay: nothing differs without a reason."""
    words = ("build", "2.2.1", "--backend", "both", "--cherry-pick", upstream.proxy)
    done = run_builder(*words, "--upstream", str(upstream.path), "--bazel-cache", "caches")
    assert done.returncode == 0, done.stderr
    assert "equivalence     287 members identical, none different" in done.stdout
    assert list((tmp_path / "caches" / "disk" / "cas").iterdir())
    wheel = tmp_path / "dist" / WHEEL
    reported = _internal(wheel)
    assert reported["backend"] == "overlay"
    found = reported["equivalence"]
    assert isinstance(found, dict)
    explained = {entry["path"]: entry["why"] for entry in found["explained"]}
    assert found["different"] == []
    assert set(explained) == {
        "tensorboard/notebook.py",
        "tensorboard/plugins/projector/tf_projector_plugin/projector_binary.html",
        "tensorboard/plugins/projector/tf_projector_plugin/projector_binary.js",
        "tensorboard/webfiles.zip",
        "tensorboardtmp-2.2.1.dist-info/RECORD",
        "tensorboardtmp-2.2.1.dist-info/WHEEL",
    }
    # The overlay's wheel is the one that is kept: it can be verified without Bazel.
    checked = ("check", f"dist/{WHEEL}", "--provenance", "--cherry-pick", upstream.proxy)
    again = run_builder(*checked, "--upstream", str(upstream.path))
    assert again.returncode == 0, again.stderr


def test_the_default_series_go_into_the_source_and_onto_the_wheel(
    run_builder: RunBuilder, upstream: StandIn, tmp_path: Path
) -> None:
    """The series against git is in what Bazel built, the one against wheels on top of it."""
    done = run_builder("build", "2.2.1", *BAZEL, "--upstream", str(upstream.path))
    assert done.returncode == 0, done.stderr
    reported = _internal(tmp_path / "dist" / WHEEL)
    assert reported["type"] == "urn:tensorboard-proxy-wheels:bazel:v1"
    source = reported["sourceBuild"]
    assert isinstance(source, dict)
    assert list(source["changedInSource"]) == ["tensorboard/notebook.py"]
    changes = reported["changes"]
    assert isinstance(changes, dict)
    assert "tensorboard/notebook.py" not in changes  # Bazel's wheel had it already
    assert "tensorboard/_vendor/bleach/sanitizer.py" in changes
    with zipfile.ZipFile(tmp_path / "dist" / WHEEL) as built:
        assert b"TENSORBOARD_PROXY_URL" in built.read("tensorboard/notebook.py")
    # What the overlay makes of the published wheel has the same members.
    other = run_builder("build", "2.2.1", "--output", "overlay")
    assert other.returncode == 0, other.stderr
    wheels = [tmp_path / place / WHEEL for place in ("dist", "overlay")]
    found = compare_wheels(*(archive.parse_archive(w.read_bytes(), w.name) for w in wheels))
    assert found.different == ()
    # Its statement cannot be verified by a rebuild here, and excuses nothing: that Bazel packed
    # members anew is a difference from the stock wheel, whoever says so.
    checked = run_builder("check", f"dist/{WHEEL}", "--provenance")
    assert checked.returncode == 6, checked.stderr
    assert "is said to be built from source" in checked.stderr


def test_the_style_of_1_14_and_a_commit_that_needs_bazel(
    run_builder: RunBuilder, upstream: StandIn, tmp_path: Path
) -> None:
    """Plain wheels, one for each Python, of which one is taken; and a change of the front end."""
    old = run_builder("build", "1.14.0", *BAZEL, "--upstream", str(upstream.path))
    assert old.returncode == 0, old.stderr
    assert (tmp_path / "dist" / "tensorboardtmp-1.14.0-py3-none-any.whl").exists()
    page = ("--cherry-pick", upstream.commits["page"], "--upstream", str(upstream.path))
    refused = run_builder("build", "2.2.1", *page)
    assert refused.returncode == 4
    assert "--backend bazel" in refused.stderr
    built = run_builder("build", "2.2.1", *BAZEL, *page)
    assert built.returncode == 0, built.stderr
    reported = _internal(tmp_path / "dist" / WHEEL)["of"]
    assert isinstance(reported, list)
    commits = {entry["digest"].get("gitCommit") for entry in reported}
    assert {upstream.commits["2.2.1"], upstream.commits["page"]} <= commits


def _leave_cache_of_others(tree: Path) -> None:
    (tree / ".bazelrc").write_text(
        "build --remote_cache=https://cache.invalid/a\ntry-import %workspace%/ci/bazelrc\n"
    )
    version = tree / "tensorboard/pip_package/dist-info/METADATA"
    version.write_text(version.read_text().replace("Version: 2.2.1\n", "Version: 2.2.2\n"))


def test_a_wheel_of_another_version_is_refused_and_dead_caches_are_left_out(
    run_builder: RunBuilder, upstream: StandIn, tmp_path: Path
) -> None:
    """Bazel ran without upstream's remote cache; its wheel is not the release's."""
    other = changed_upstream(upstream.path, tmp_path / "other", _leave_cache_of_others)
    done = run_builder("build", "2.2.1", *BAZEL, "--upstream", str(other))
    assert done.returncode == 15
    assert "Bazel made tensorboard-2.2.2-py3-none-any.whl" in done.stderr
    assert not list(tmp_path.glob("dist/*"))
    log = (tmp_path / "reports" / "build" / "2.2.1.log").read_text()
    assert "left out of .bazelrc: build --remote_cache=https://cache.invalid/a" in log
    assert "left out of ci/bazelrc: build --remote_http_cache=" in log


def test_ctrl_c_during_bazel_leaves_nothing(upstream: StandIn, tmp_path: Path) -> None:
    """Exit code 130, no container, no output; the log tells how far it came."""
    slow = changed_upstream(upstream.path, tmp_path / "slow", replace_rule("sleep 500"))
    words = ["build", "2.2.1", *BAZEL, "--series", "none", "--upstream", str(slow)]
    log = tmp_path / "reports" / "build" / "2.2.1.log"

    def begun() -> bool | None:
        return (log.exists() and "Analyzed target" in log.read_text()) or None

    with subprocess.Popen(
        [sys.executable, "-m", "builder", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert wait_for(begun, 300)
        before = set(containers("bazel-2.2.1"))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
    assert process.returncode == 130, said
    # Other tests' builds of this release may be there, and end by themselves.
    (mine,) = re.findall(r"container (\S+)", log.read_text())
    assert mine in before
    assert mine not in containers("bazel-2.2.1")
    assert not list(tmp_path.glob("dist/*"))


def test_ctrl_c_during_a_clone_leaves_nothing(
    upstream: StandIn, own_cache: Path, tmp_path: Path, stock_wheel: Callable[[str], Path]
) -> None:
    """Though it is another thread that clones; exit code 130, no git that goes on, no mirror."""
    stock_wheel("2.2.1")
    log = Log(silent=True)
    with http_server(upstream.path.parent, log) as host:
        url = f"http://{host}/upstream.git"
        words = ["build", "2.2.1", *BAZEL, "--upstream", url]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(own_cache)}
        with subprocess.Popen(
            [sys.executable, "-m", "builder", *words], cwd=tmp_path, env=env, stderr=subprocess.PIPE
        ) as process:
            assert log.asked.wait(timeout=300)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=300)
        assert process.returncode == 130, said
        assert not [line for line in command_lines() if url in line]
    assert not list(own_cache.glob("*/git/*.git"))


def test_the_hand_command_of_the_readme(
    run_builder: RunBuilder, upstream: StandIn, tmp_path: Path
) -> None:
    """`docker build` with the documented arguments, `docker cp`: the overlay's members."""
    docker = shutil.which("docker")
    if docker is None:
        lacking("there is no docker client")
    context = tmp_path / "context"
    shutil.copytree(ROOT / "dockerfiles", context / "dockerfiles")
    shutil.copy(ROOT / ".dockerignore", context)
    (context / "wheelhouse").mkdir()
    bundle = context / "wheelhouse" / "tensorboard.bundle"
    git(upstream.path, "bundle", "create", "--quiet", str(bundle), "--all")
    arguments = {
        "TB_VER": "2.2.1",
        "CHERRY_PICK_COMMIT": upstream.proxy,
        "BASE": build_base(),
        "UPSTREAM": bundle.name,
        "BAZEL": "base",
    }
    tag = f"tensorboard_build:test-{engine().run_id}"
    given = [word for pair in arguments.items() for word in ("--build-arg", "=".join(pair))]
    # The client's own builder, as BuildKit is a plugin that not every client has.
    environ = {**os.environ, "DOCKER_BUILDKIT": "0"}

    def run(*words: str) -> str:
        done = subprocess.run(
            [docker, *words], cwd=context, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    try:
        file = ("--file", "dockerfiles/Dockerfile.build")
        run("build", "--network", "none", *given, "--tag", tag, *file, ".")
        container = run("create", tag)
        run("cp", f"{container}:/dist/.", "out")
        run("rm", container)
    finally:
        engine().client.images.remove(tag, force=True)
    (wheel,) = (context / "out").iterdir()
    words = ("build", "2.2.1", "--identity", "local", "--cherry-pick", upstream.proxy)
    ours_ = run_builder(*words, "--upstream", str(upstream.path))
    assert ours_.returncode == 0, ours_.stderr
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(_only(tmp_path / "dist")) as other:
        assert _package(one) == _package(other)


def _only(directory: Path) -> Path:
    (wheel,) = directory.glob("*.whl")
    return wheel


def _package(wheel: zipfile.ZipFile) -> dict[str, str]:
    return {
        name: hashlib.sha256(wheel.read(name)).hexdigest()
        for name in wheel.namelist()
        if ".dist-info/" not in name
    }
