"""builder.smoke.engines: a real Jupyter with our wheel in a process, without a container."""

from __future__ import annotations

import json
import os
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from builder.errors import SmokeError
from builder.releases.eras import Era, get_era
from builder.smoke.engines import stack
from builder.smoke.engines.namespace import NamespaceIsolation
from builder.smoke.engines.process import open_process_runner
from builder.smoke.model import Deployment, Frontend, WheelUnderTest
from builder.system.ports import can_connect, find_free_port
from builder.system.waiting import wait_for
from builder.wheel import archive
from builder.wheel.rewrite import WheelRewrite, rewrite_wheel
from tests.support import needs
from tests.support.environments import find, our_wheel
from tests.support.processes import named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from builder.smoke.engines.process import ProcessRunner
    from builder.smoke.model import JupyterSite, ServerAccess

    Begin = Callable[[Deployment], AbstractContextManager[JupyterSite]]

RELEASE = "2.21.0"
DEADLINE = 30.0
UP = 120.0  # of a TensorBoard, imported for the first time
LAB = Deployment("lab", Frontend.LAB, base_url="/foo/", variable="/foo/proxy/%PORT%/")
SECRET = "s3cret-of-the-index"


def wheel(version: str, directory: Path) -> WheelUnderTest:
    """Our wheel of a release."""
    return WheelUnderTest(our_wheel(version, directory), version, version)


@contextmanager
def engine(eras: Callable[[str], Era] | None = None, **given: str) -> Iterator[ProcessRunner]:
    """The engine, for somebody whose index needs a password, and who has settings for Jupyter."""
    env = {**os.environ, "UV_INDEX_PRIVATE_PASSWORD": SECRET, "JUPYTER_CONFIG_DIR": "/nowhere"}
    with open_process_runner(needs.context(env), find_era=eras, **given) as runner:
        yield runner


@pytest.fixture(scope="module")
def runner() -> Iterator[ProcessRunner]:
    """The engine as it is here."""
    with engine() as found:
        yield found


@pytest.fixture(scope="module")
def begin(runner: ProcessRunner, tmp_path_factory: pytest.TempPathFactory) -> Begin:
    """Starts deployments in an environment that is made once, with our newest wheel."""
    directory = tmp_path_factory.mktemp("wheel")
    return runner.prepare_wheel(wheel(RELEASE, directory), directory / "log", lambda _: None)


def ask(site: JupyterSite, path: str) -> requests.Response:
    """A page of Jupyter, with the token."""
    headers = {"Authorization": f"token {site.token.value}"}
    return requests.get(site.url + path, headers=headers, timeout=DEADLINE)


def behind(site: JupyterSite) -> ServerAccess:
    """The inside, which all of these sites have."""
    assert site.access is not None
    return site.access


def show(site: JupyterSite, port: int) -> str:
    """Start TensorBoard beside Jupyter, as an orphan; its page through the proxy."""
    script = f"setsid tensorboard --logdir . --port {port} >/dev/null 2>&1 &"
    assert behind(site).run_command(["sh", "-c", script]) == (0, "")

    def page() -> str | None:
        answer = ask(site, f"proxy/{port}/")
        return answer.text if answer.ok else None

    found = wait_for(page, UP)
    assert found is not None, f"no page within {UP} s"
    return found


def env_of(site: JupyterSite) -> dict[str, str]:
    """The environment of programs inside."""
    words = ["python", "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
    code, out = behind(site).run_command(words)
    assert code == 0, out
    reported: dict[str, str] = json.loads(out)
    return reported


def test_tensorboard_through_jupyters_port_only(runner: ProcessRunner, begin: Begin) -> None:
    """Below its base URL; the host reaches TensorBoard's own port on plain loopback only."""
    port = find_free_port()
    with begin(LAB) as site:
        assert ask(site, "lab").ok
        assert requests.get(f"{site.url}api/contents", timeout=DEADLINE).status_code == 403
        assert "<tb-webapp>" in show(site, port)
        assert can_connect("127.0.0.1", port) is not bool(runner.isolation)
        if runner.isolation:
            outer = int(site.origin.rpartition(":")[2])
            assert behind(site).published_ports() == {stack.JUPYTER_PORT: outer}
            assert behind(site).check_reachable(stack.JUPYTER_PORT) == {"the host": True}
            with socket.create_server(("127.0.0.1", port)):  # somebody else's on the host
                assert behind(site).check_reachable(port) == {"the host": False}


def test_it_gets_directories_of_its_own_and_no_secrets(begin: Begin) -> None:
    """All below a room that only we may enter, and that goes with all its processes."""
    with begin(LAB) as site:
        given = env_of(site)
        assert given["TENSORBOARD_PROXY_URL"] == LAB.variable
        assert SECRET not in str(given)
        workdir = Path(given["HOME"]).parent
        assert workdir.stat().st_mode & 0o777 == 0o700
        assert (
            {
                Path(given[name]).parent
                for name in given
                if name.startswith("JUPYTER_") and name.endswith("_DIR")
            }
            == {Path(given["TMPDIR"]).parent}
            == {workdir}
        )
        assert any("jupyter-lab" in line for line in named(workdir))
        assert "Jupyter Server" in behind(site).read_log()
        assert site.token.value not in behind(site).read_log()
        assert all(site.token.value not in line for line in named(workdir))
    assert named(workdir) == []
    assert not workdir.exists()


def test_unset_is_unset(begin: Begin) -> None:
    """No variable for a deployment without one, whatever we have ourselves; classic this time."""
    with begin(Deployment("classic", Frontend.CLASSIC, variable=None)) as site:
        assert ask(site, "nbclassic/tree").ok
        assert "TENSORBOARD_PROXY_URL" not in env_of(site)
        assert "browser" not in behind(site).read_log()


def test_two_at_once(runner: ProcessRunner, begin: Begin) -> None:
    """Side by side, each with its own token, its own room, and the same port inside."""
    if not runner.isolation:  # the second one would wait for the first for ever
        needs.lacking(runner.isolation.reason)
    notebook = Deployment("notebook", Frontend.NOTEBOOK)
    with begin(LAB) as one, begin(notebook) as other:
        assert ask(one, "lab").ok
        assert ask(other, "tree").ok
        crossed = {"Authorization": f"token {one.token.value}"}
        answer = requests.get(f"{other.url}api/contents", headers=crossed, timeout=DEADLINE)
        assert answer.status_code == 403
        assert env_of(one)["HOME"] != env_of(other)["HOME"]


def test_plain_loopback(runner: ProcessRunner, begin: Begin) -> None:
    """Without namespaces it works as well, claims no separation, and leaves nothing either."""
    kept, runner.isolation = runner.isolation, NamespaceIsolation(reason="for this test")
    try:
        assert "plain loopback" in runner.name
        port = find_free_port()
        with begin(LAB) as site:
            assert "<tb-webapp>" in show(site, port)
            workdir = Path(env_of(site)["HOME"]).parent
            assert behind(site).published_ports() is None
            assert behind(site).check_reachable(port) == {}
        assert named(workdir) == []
        # A socket closes a little after the process that had it has gone.
        assert wait_for(lambda: not can_connect("127.0.0.1", port) or None, 20)
    finally:
        runner.isolation = kept


def test_a_sweep_ends_all(runner: ProcessRunner, begin: Begin) -> None:
    """What an interrupted run does: whoever waits for Jupyter gets an answer at once."""
    with begin(LAB) as site:
        workdir = Path(env_of(site)["HOME"]).parent
        runner.end_all()
        assert named(workdir) == []
        with pytest.raises(requests.ConnectionError):
            ask(site, "lab")


def test_a_jupyter_that_does_not_come_up(begin: Begin) -> None:
    """Its exit code, and the end of its log, at once and not at the deadline."""
    with begin(LAB) as site:
        program = Path(env_of(site)["PATH"].split(":")[0], "jupyter-lab")
    hidden = program.rename(program.with_name("hidden"))
    try:
        with pytest.raises(SmokeError) as caught, begin(LAB):
            pass
    finally:
        hidden.rename(program)
    assert caught.value.message == "Jupyter ended with exit code 1"
    assert "`jupyter-lab` not found" in caught.value.hint


def test_a_wheel_that_does_not_start(runner: ProcessRunner, tmp_path: Path) -> None:
    """Said before any Jupyter is started, with the reason."""
    good = wheel(RELEASE, tmp_path)
    assert good.path is not None
    broken = {"tensorboard/main.py": b"import no_such_module\n"}
    content = rewrite_wheel(
        archive.parse_archive(good.path.read_bytes(), "x"), WheelRewrite(broken), "x"
    )
    good.path.write_bytes(b"".join(content))
    with pytest.raises(SmokeError, match="does not start") as caught:
        runner.prepare_wheel(good, tmp_path / "log", lambda _: None)
    assert "no_such_module" in caught.value.hint


def test_a_release_that_does_not_take_that_python(tmp_path: Path) -> None:
    """The wheel, the Python, and why."""
    needs.python("3.8")
    with engine(python="3.8") as old, pytest.raises(SmokeError) as caught:
        old.prepare_wheel(wheel(RELEASE, tmp_path), tmp_path / "log", lambda _: None)
    assert "tensorboardtmp-2.21.0" in caught.value.message
    assert "Python 3.8, today" in caught.value.message
    assert "Requires-Python" in caught.value.hint or "Python>=3.9" in caught.value.hint


@pytest.mark.long
def test_jupyter_of_its_own_time(tmp_path: Path) -> None:
    """April 2020: the notebook server on Python 3.7, whose log would give the token away."""
    needs.python(get_era(find("2.2.1")).python)
    with engine(eras=lambda version: get_era(find(version))) as runner:
        begin = runner.prepare_wheel(wheel("2.2.1", tmp_path), tmp_path / "log", lambda _: None)
        assert "notebook==6.0.3\n" in (tmp_path / "log").read_text()
        with begin(LAB) as site:
            assert ask(site, "lab").ok
            assert ask(site, f"proxy/{find_free_port()}/").status_code == 500
            assert "<tf-tensorboard" in show(site, find_free_port())
            assert "Authorization: token ***" in behind(site).read_log().replace('"', "")
            assert site.token.value not in behind(site).read_log()
