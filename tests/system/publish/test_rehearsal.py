"""The rehearsal index, and the way back from it: real pypiserver, pip, uv and TensorBoard."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from builder.errors import PublishError
from builder.model import Identity, IdentityKind
from builder.publish.install_hint import format_install_commands, format_uv_sources
from builder.publish.published_files import SimpleIndexFiles
from builder.publish.rehearsal import run_rehearsal_index
from builder.publish.upload import (
    RetryPolicy,
    Upload,
    UploadOutcome,
    upload_wheel,
    wait_until_served,
)
from builder.publish.uploader import TwineUploader, UploadCredentials
from builder.system.settings import read_user_settings
from builder.system.virtualenvs import find_uv
from tests.support.needs import settings_of_uv

if TYPE_CHECKING:
    from builder.publish.rehearsal import RehearsalIndex

pytestmark = pytest.mark.filterwarnings(
    # pypiserver leaves the file of a HEAD request to the garbage collector.
    "ignore::pytest.PytestUnraisableExceptionWarning"
)
QUICK = RetryPolicy(total=60, first=0.05, attempts=2)
OURS = Identity(IdentityKind.TEST, "tensorboardtmp", "2.2.1")


def _wheel(directory: Path, name: str, version: str, requires: str = "") -> Path:
    """A tiny wheel with one module."""
    path = directory / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    files = {
        f"{name}_module.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{n},,\n" for n in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as opened:
        for filename, content in {**files, f"{info}/RECORD": record}.items():
            opened.writestr(filename, content)
    return path


def _send(
    wheel: Path, index: RehearsalIndex, credentials: UploadCredentials | None = None
) -> UploadOutcome:
    settings = read_user_settings(os.environ)
    upload = Upload(wheel, wheel.name, hashlib.sha256(wheel.read_bytes()).hexdigest())
    uploader = TwineUploader(index.target, credentials or index.credentials, settings)
    served = SimpleIndexFiles(settings, index.target.index_url, wheel.name.split("-")[0])
    delivery = upload_wheel(upload, uploader, served, QUICK, print, overwrites=False)
    wait_until_served(upload, served, QUICK, print)
    return delivery


def test_it_takes_uploads_from_those_who_know_the_password_only(tmp_path: Path) -> None:
    """No credentials, wrong ones, the right ones; and a second time nothing is sent."""
    wheel = _wheel(tmp_path, "tensorboardtmp", "2.2.1")
    with run_rehearsal_index() as index:
        bare = requests.post(index.target.upload_url, data={":action": "file_upload"}, timeout=5)
        assert bare.status_code == 401
        for wrong in (
            UploadCredentials("rehearsal", "guess"),
            UploadCredentials("x", index.credentials.password),
        ):
            with pytest.raises(PublishError, match="403"):
                _send(wheel, index, wrong)
        assert _send(wheel, index) is UploadOutcome.UPLOADED
        assert _send(wheel, index) is UploadOutcome.SKIPPED


def test_its_password_is_new_and_shown_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither in a repr nor in what is written, nor in what other programs see of us."""
    with run_rehearsal_index() as one, run_rehearsal_index() as other:
        password = str(one.credentials.password)
        assert password != other.credentials.password
        assert len(password) > 40
        assert password not in repr((one, one.credentials))
        for file in ("cmdline", "environ"):
            assert password.encode() not in Path(f"/proc/self/{file}").read_bytes()
    assert password not in "".join(capfd.readouterr())


def test_it_refuses_another_file_of_the_same_name(tmp_path: Path) -> None:
    """As the public indexes do."""
    with run_rehearsal_index() as index:
        _send(_wheel(tmp_path, "tensorboardtmp", "2.2.1"), index)
        with pytest.raises(PublishError, match="another") as caught:
            _send(_wheel(tmp_path, "tensorboardtmp", "2.2.1", "six"), index)
    assert "--build-tag" in caught.value.hint


def test_it_never_hands_on_to_another_index() -> None:
    """A project that it does not have is not found, instead of the public index's."""
    with run_rehearsal_index() as index:
        url = f"{index.target.index_url}tensorboard/"
        assert requests.get(url, timeout=5, allow_redirects=False).status_code == 404


def test_it_listens_on_the_loopback_and_ends() -> None:
    """Nobody else reaches it, and nothing is left of it."""
    with run_rehearsal_index() as index:
        port = int(index.target.upload_url.split(":")[2].strip("/"))
        with socket.create_connection(("127.0.0.1", port)) as there:
            assert there.getpeername()[0] == "127.0.0.1"
        other = socket.gethostbyname(socket.gethostname())
        if not other.startswith("127."):
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((other, port), timeout=2)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)


def test_kept_files_outlive_it_and_two_do_not_share_them(tmp_path: Path) -> None:
    """The second run skips; a parallel one is told to wait; a file is no directory."""
    wheel = _wheel(tmp_path, "tensorboardtmp", "2.2.1")
    with run_rehearsal_index(tmp_path / "kept") as index:
        assert _send(wheel, index) is UploadOutcome.UPLOADED
        with (
            pytest.raises(PublishError, match="another rehearsal"),
            run_rehearsal_index(tmp_path / "kept"),
        ):
            pass
    with run_rehearsal_index(tmp_path / "kept") as index:
        assert _send(wheel, index) is UploadOutcome.SKIPPED
    with pytest.raises(PublishError, match="cannot be used"), run_rehearsal_index(wheel):
        pass


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """What a test index may hold: ours, and a stranger's package under the name of a dependency."""
    served = tmp_path / "shelf"
    served.mkdir()
    _wheel(served, "tensorboardtmp", "2.2.1", "six>=1.10")
    _wheel(served, "six", "99")
    return served


def _six(python: Path) -> str:
    code = "import tensorboardtmp_module, six; print(six.__file__, six.__version__)"
    words = [str(python), "-c", code]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("tool", ["pip", "uv pip"])
def test_the_printed_commands_let_no_stranger_in(tool: str, hostile: Path, tmp_path: Path) -> None:
    """They run as they are printed: ours is installed, the dependency is the usual index's."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    with run_rehearsal_index(hostile) as index:
        text = format_install_commands(OURS, index.target.index_url, "rehearsal")
        lines = [line for line in text.splitlines() if line.startswith(f"{tool} ")]
        assert len(lines) == 3
        path = f"{venv / 'bin'}:{Path(find_uv()).parent}:{os.environ['PATH']}"
        # nox points uv at the session's own environment, which is not meant here.
        env = {k: v for k, v in settings_of_uv().items() if k != "UV_PYTHON"}
        subprocess.run(
            ["sh", "-ec", "\n".join(lines)],
            env={**env, "PATH": path, "VIRTUAL_ENV": str(venv)},
            check=True,
            capture_output=True,
        )
        assert "six" in _six(venv / "bin" / "python")


def test_the_way_that_we_advise_against_lets_the_stranger_in(hostile: Path, tmp_path: Path) -> None:
    """A positive control: with --extra-index-url the same index wins over the usual one."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    with run_rehearsal_index(hostile) as index:
        words = [str(venv / "bin" / "pip"), "install", "--extra-index-url", index.target.index_url]
        subprocess.run([*words, "tensorboardtmp==2.2.1"], check=True, capture_output=True)
    listed = subprocess.run(
        [str(venv / "bin" / "pip"), "freeze"], check=True, capture_output=True, text=True
    )
    assert "six==99" in listed.stdout.splitlines()


def test_the_printed_project_table_lets_no_stranger_in(hostile: Path, tmp_path: Path) -> None:
    """Real uv resolves it: ours from the explicit index, everything else from the usual one."""
    project = tmp_path / "project"
    project.mkdir()
    with run_rehearsal_index(hostile) as index:
        table = format_uv_sources(OURS, index.target.index_url, "rehearsal")
        (project / "pyproject.toml").write_text(
            '[project]\nname = "mine"\nversion = "1"\nrequires-python = ">=3.11"\n'
            f'dependencies = ["tensorboardtmp==2.2.1"]\n\n{table}\n'
        )
        words = [find_uv(), "lock", "--quiet"]
        env = settings_of_uv()
        subprocess.run(words, cwd=project, env=env, check=True, capture_output=True)
    lock = (project / "uv.lock").read_text()
    assert 'name = "tensorboardtmp"' in lock
    assert 'name = "six"\nversion = "1.' in lock
