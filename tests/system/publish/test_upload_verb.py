"""`upload` as the job runs it that holds the token: by digests, and nothing else beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builder.publish.rehearsal import run_rehearsal_index
from builder.system.virtualenvs import find_uv
from tests.support.cli import WHEEL, sha256
from tests.support.needs import settings_of_uv
from tests.support.releases import ROOT
from tests.support.upload_server import CANARY, STORE, Act, Conduct, misbehaving
from tests.support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.cli import RunBuilder

OTHER = WHEEL.replace("2.2.1", "2.2.2")
# In front of the verb: an audit hook that lets the process start no other.
_ALONE = (
    "import sys\n"
    "starts = ('subprocess.Popen', 'os.exec', 'os.fork', 'os.posix_spawn', 'os.system')\n"
    "def refuse(event, args):\n"
    "    if event in starts: raise RuntimeError(f'{event}: {args}')\n"
    "sys.addaudithook(refuse)\n"
    "from builder.cli import main; main(sys.argv[3:])"
)

pytestmark = pytest.mark.filterwarnings(
    # pypiserver leaves the file of a HEAD request to the garbage collector.
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Two built wheels."""
    directory = tmp_path / "dist"
    directory.mkdir()
    for version in ("2.2.1", "2.2.2"):
        file = make_wheel(version).file
        (directory / file.filename).write_bytes(file.content)
    return directory


def list_digests(dist: Path) -> str:
    """What the build put out."""
    return "\n".join(f"{sha256(path)}  {path.name}" for path in sorted(dist.glob("*.whl")))


@pytest.mark.usefixtures("both_warm")
def test_from_build_to_install_back_in_three_jobs(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Build, upload by what it put out, install back: only the second knows the password."""
    outputs = tmp_path / "outputs"
    words = ("build", "2.2.1", "2.2.2", "--digests-output", "digests")
    built = run_builder(*words, env={"GITHUB_OUTPUT": str(outputs)})
    assert built.returncode == 0, built.stderr
    first, *lines, last = outputs.read_text().splitlines()
    assert first == f"digests<<{last}"
    wheels = [f"dist/{WHEEL}", f"dist/{OTHER}"]
    with run_rehearsal_index() as index:
        given = index.credentials
        env = {"TWINE_USERNAME": str(given.username), "TWINE_PASSWORD": str(given.password)}
        to = ("--repository", index.target.upload_url)
        upload = partial(run_builder, "upload", *wheels, "--digests", "\n".join(lines), *to)
        done = upload(env=env, python=(sys.executable, "-c", _ALONE))
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [
            f"{name} uploaded, sha256 {sha256(tmp_path / 'dist' / name)}" for name in (WHEEL, OTHER)
        ]
        again = upload(env=env)
        assert f"{WHEEL} skipped" in again.stdout
        back = run_builder("publish", "2.2.1", "2.2.2", *to, "--no-upload")
    assert back.returncode == 0, back.stderr
    assert f"2.2.1 {WHEEL} uploaded by another run, served with sha256" in back.stdout
    assert back.stdout.count("installed back and started on Python") == 2


@pytest.mark.usefixtures("both_warm")
def test_elsewhere_the_digests_are_printed_a_line_each(
    run_builder: RunBuilder, tmp_path: Path
) -> None:
    """As `upload --digests` takes them, where there is no step of a CI run to give them to."""
    words = ("build", "2.2.1", "2.2.2", "--digests-output", "digests")
    built = run_builder(*words, env={"GITHUB_OUTPUT": ""})
    assert built.returncode == 0, built.stderr
    expected = list_digests(tmp_path / "dist").splitlines()
    assert len(expected) == 2
    assert [line for line in built.stdout.splitlines() if line in expected] == expected


@pytest.mark.usefixtures("both_warm")
def test_what_nobody_uploads_is_waited_for_and_not_sent(
    run_builder: RunBuilder, env: dict[str, str]
) -> None:
    """The job that installs back ends with an error, though it could send it."""
    conduct = Conduct()
    with misbehaving(conduct) as url:
        words = ("--repository", url, "--no-upload", "--no-install", "--wait", "1")
        done = run_builder("publish", "2.2.1", *words, env=env)
    assert (done.returncode, conduct.posts) == (13, 0), done.stderr
    assert "does not serve it after 1 s" in done.stderr


def _spoil(dist: Path) -> str:
    digests = list_digests(dist)
    path = dist / OTHER
    path.write_bytes(path.read_bytes() + b"\0")
    return digests


def _swap(dist: Path) -> str:
    digests = list_digests(dist)
    one, other = (dist / name for name in (WHEEL, OTHER))
    one.replace(dist / "aside")
    other.replace(one)
    (dist / "aside").replace(other)
    return digests


def _add(dist: Path) -> str:
    digests = list_digests(dist)
    (dist / WHEEL.replace("2.2.1", "2.2.3")).write_bytes(b"a stranger's")
    return digests


def _remove(dist: Path) -> str:
    digests = list_digests(dist)
    (dist / OTHER).unlink()
    return digests


def _replace(dist: Path, make: Callable[[Path], None]) -> str:
    digests = list_digests(dist)
    (dist / OTHER).unlink()
    make(dist / OTHER)
    return digests


_ATTACKS = {
    "changed": (_spoil, 8, f"{OTHER} is not what was built: sha256"),
    "swapped": (_swap, 8, f"{WHEEL} is not what was built: sha256"),
    "one more": (_add, 2, "tensorboardtmp-2.2.3-py3-none-any.whl has no digest"),
    "one less": (_remove, 2, f"{OTHER} has a digest and is not among the files"),
    "directory": (partial(_replace, make=Path.mkdir), 2, f"{OTHER} cannot be read"),
    "named pipe": (partial(_replace, make=os.mkfifo), 2, f"{OTHER} cannot be read"),
    "no digests": (lambda _: "", 2, "there are no digests"),
    "malformed": (lambda dist: list_digests(dist)[1:], 2, "is no digest"),
}


@pytest.mark.parametrize(("attack", "code", "say"), _ATTACKS.values(), ids=_ATTACKS)
def test_nothing_is_sent_unless_all_is_what_was_built(
    attack: Any, code: int, say: str, dist: Path, run_builder: RunBuilder, env: dict[str, str]
) -> None:
    """One file of two is wrong: the index hears of neither, and the reason is one line."""
    digests = attack(dist)
    files = [str(path) for path in sorted(dist.glob("*.whl"))]
    conduct = Conduct()
    with misbehaving(conduct) as url:
        done = run_builder("upload", *files, "--digests", digests, "--repository", url, env=env)
    assert (done.returncode, conduct.posts) == (code, 0), done.stderr
    assert say in done.stderr
    assert "Traceback" not in done.stderr
    assert CANARY not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "say"),
    [
        (("dist/{0}", "dist/{1}"), "no repository was named"),
        (("dist/{0}", "dist/{1}", "dist/{0}", "--repository", "https://a.example/"), "twice"),
        (("--repository", "https://a.example/"), "is not among the files"),
        (("dist/{0}", "dist/{1}", "--repository", "https://me:canary@a.example/"), "password"),
        (("dist/{0}", "dist/{1}", "--repository", "nosuch"), "nosuch is no repository"),
    ],
)
def test_requests_that_make_no_sense(
    words: tuple[str, ...], say: str, dist: Path, run_builder: RunBuilder, env: dict[str, str]
) -> None:
    """Exit code 2, and no password repeated."""
    given = [word.format(WHEEL, OTHER) for word in words]
    done = run_builder("upload", *given, "--digests", list_digests(dist), env=env)
    assert done.returncode == 2, done.stderr
    assert say in done.stderr
    assert "canary" not in done.stderr


def test_the_official_name_goes_to_no_public_index(
    tmp_path: Path, run_builder: RunBuilder, env: dict[str, str]
) -> None:
    """A digest does not make it ours."""
    path = tmp_path / "TensorBoard-2.2.1-py3-none-any.whl"
    path.write_bytes(b"anything")
    words = ("upload", path.name, "--digests", f"{sha256(path)}  {path.name}")
    done = run_builder(*words, "--repository", "testpypi", env=env)
    assert done.returncode == 2, done.stderr
    assert "official distribution's" in done.stderr


def test_a_failure_does_not_stop_the_others_but_a_wrong_token_does(
    dist: Path, run_builder: RunBuilder, env: dict[str, str]
) -> None:
    """The next run sends what is left."""
    files = [str(path) for path in sorted(dist.glob("*.whl"))]
    conduct = Conduct(deque([Act(400, "Invalid value"), STORE]))
    with misbehaving(conduct) as url:
        words = ("upload", *files, "--digests", list_digests(dist), "--repository", url)
        done = run_builder(*words, env=env)
        assert (done.returncode, conduct.stored) == (13, [OTHER]), done.stderr
        assert "Invalid value" in done.stderr
        conduct.acts = deque([Act(401, "who?")])
        conduct.posts, conduct.files = 0, {}
        done = run_builder(*words, env=env)
    assert (done.returncode, conduct.posts) == (13, 1), done.stderr


def test_without_an_identity_to_sign_with_nothing_is_sent(
    dist: Path, run_builder: RunBuilder, env: dict[str, str]
) -> None:
    """`--attest` is for CI; elsewhere it says so."""
    conduct = Conduct()
    words = ("upload", f"dist/{WHEEL}", "--digests", list_digests(dist).splitlines()[0])
    with misbehaving(conduct) as url:
        done = run_builder(*words, "--repository", url, "--attest", env=env)
    assert (done.returncode, conduct.posts) == (13, 0), done.stderr
    assert "there is no identity to sign with" in done.stderr


def install_locked(name: str, directory: Path) -> Path:
    """The Python of an environment with the locked requirements and nothing else."""
    python = directory / name / "bin" / "python"
    lock = ROOT / ".github" / "requirements" / f"{name}.txt"
    install = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(lock)]
    for words in (
        ["venv", "--quiet", "--python", sys.executable, str(directory / name)],
        ["pip", "install", "--quiet", "--python", str(python), *install],
    ):
        subprocess.run([find_uv(), *words], env=settings_of_uv(), check=True)
    return python


@pytest.mark.long
def test_what_is_locked_is_enough(
    dist: Path, tmp_path: Path, run_builder: RunBuilder, env: dict[str, str]
) -> None:
    """In environments that have nothing else: build, sign, upload."""
    build = partial(run_builder, python=(str(install_locked("build", tmp_path)),))
    built = build("build", "2.2.1", "--output", "built")
    assert built.returncode == 0, built.stderr
    bare = partial(run_builder, python=(str(install_locked("upload", tmp_path)),))
    upload = partial(
        bare, "upload", f"dist/{WHEEL}", "--digests", f"{list_digests(dist)[:64]}  {WHEEL}"
    )
    conduct = Conduct()
    with misbehaving(conduct) as url:
        signed = upload("--repository", url, "--attest", env=env)
        assert "there is no identity to sign with" in signed.stderr, signed.stderr
        done = upload("--repository", url, env=env)
    assert (done.returncode, conduct.stored) == (0, [WHEEL]), done.stderr
    assert sha256(tmp_path / "built" / WHEEL) == sha256(dist / WHEEL)
