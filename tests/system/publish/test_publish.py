"""`publish` and `install-hint` as a user types them."""

from __future__ import annotations

import json
import sys
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

import pytest

from builder.system.settings import ProjectSettings
from tests.support.cli import WHEEL, sha256
from tests.support.upload_server import STORE, Act, Conduct, misbehaving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder

OTHER = WHEEL.replace("2.2.1", "2.2.2")

pytestmark = pytest.mark.usefixtures("both_warm")


def test_a_rehearsal_goes_all_the_way(run_builder: RunBuilder, tmp_path: Path) -> None:
    """In an empty directory: built, uploaded, served, installed back, started; nothing is left."""
    done = run_builder("publish", "2.2.1")
    assert done.returncode == 0, done.stderr
    wheel = tmp_path / "dist" / WHEEL
    first = done.stdout.splitlines()[0]
    assert first.startswith(f"2.2.1 {WHEEL} uploaded, served with sha256 {sha256(wheel)}")
    assert "installed back and started on Python 3." in first
    assert "pip install --no-deps --index-url http://127.0.0.1:" in done.stdout
    assert sorted(p.name for p in (tmp_path / "dist").iterdir()) == [
        WHEEL,
        f"{WHEEL}.cdx.json",
        f"{WHEEL}.provenance.json",
    ]
    document = json.loads((tmp_path / "dist" / f"{WHEEL}.cdx.json").read_text())
    assert document["metadata"]["component"]["hashes"][0]["content"] == sha256(wheel)


def test_offline_rehearses_with_what_is_cached(run_builder: RunBuilder) -> None:
    """A proxy that is not there: neither it nor an index is asked; uv's cache has the rest."""
    assert run_builder("publish", "2.2.1").returncode == 0
    nowhere = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = run_builder("publish", "2.2.1", "--offline", env=nowhere)
    assert done.returncode == 0, done.stderr
    assert "started on Python" in done.stdout


def test_a_dry_run_sends_and_leaves_nothing(
    run_builder: RunBuilder, tmp_path: Path, env: dict[str, str]
) -> None:
    """It says what would be done, also where the index has the file already."""
    conduct = Conduct()
    with misbehaving(conduct) as url:
        words = ("publish", "2.2.1", "--repository", url, "--no-install")
        done = run_builder(*words, "--dry-run", env=env)
        assert (done.returncode, conduct.posts) == (0, 0), done.stderr
        assert "would be uploaded" in done.stdout
        assert not (tmp_path / "dist").exists()
        assert run_builder(*words, env=env).returncode == 0
        done = run_builder(*words, "--dry-run", env=env)
    assert "would be skipped" in done.stdout


def test_a_set_resumes_where_it_failed(run_builder: RunBuilder, env: dict[str, str]) -> None:
    """The first is taken, the second refused; the next run skips the first, sends the second."""
    conduct = Conduct(deque([STORE, Act(400, "Invalid value")]))
    with misbehaving(conduct) as url:
        words = ("publish", "2.2.1", "2.2.2", "--repository", url, "--no-install")
        done = run_builder(*words, env=env)
        assert done.returncode == 13
        assert f"2.2.1 {WHEEL} uploaded" in done.stdout
        assert "2.2.2 failed" in done.stdout
        assert "1 of 2 published" in done.stdout
        conduct.acts = deque([STORE])
        done = run_builder(*words, env=env)
        assert done.returncode == 0, done.stderr
        assert f"2.2.1 {WHEEL} skipped" in done.stdout
        assert f"2.2.2 {OTHER} uploaded" in done.stdout
        again = run_builder(*words, env=env)
    assert "2 of 2 published, 2 were there before" in again.stdout
    assert conduct.stored == [WHEEL, OTHER]


def test_an_index_that_does_not_know_us_is_asked_once(
    run_builder: RunBuilder, env: dict[str, str]
) -> None:
    """A wrong token is not tried with every release."""
    conduct = Conduct(deque([Act(401, "who?")]))
    with misbehaving(conduct) as url:
        words = ("publish", "2.2.1", "2.2.2", "--repository", url)
        done = run_builder(*words, env=env)
    assert (done.returncode, conduct.posts) == (13, 1)
    assert "2.2.2 was not tried" in done.stderr


@pytest.mark.parametrize(
    ("words", "say"),
    [
        ((), "no release was named"),
        (("2.2.1", "--repository", "nosuch"), "nosuch is no repository"),
        (("2.2.1", "--repository", "https://me:canary@a.example/"), "user name or password"),
        (("2.2.1", "--repository", "testpypi", "--identity", "local"), "local versions"),
        (("2.2.1", "--repository", "pypi", "--name", "TensorBoard"), "official"),
        (("2.2.1", "--repository", "testpypi", "--rehearsal", "x"), "exclude each other"),
        (("2.2.1", "--index-url", "https://a.example/"), "--repository"),
        (("2.2.1", "--repository", "testpypi", "--offline"), "--offline"),
        (("2.2.1", "--no-upload"), "another run sends"),
        (("2.2.1", "--no-upload", "--repository", "testpypi", "--attest"), "leave --attest"),
        (("2.2.1", "--no-upload", "--repository", "testpypi", "--dry-run"), "leave --attest"),
        (("2.2.1", "--build-tag", "x"), "build tag"),
        (("2.2.1", "--wait", "-1"), "--wait"),
        (("2.2.1", "--wait", "nan"), "--wait"),
    ],
)
def test_requests_that_make_no_sense(
    words: tuple[str, ...], say: str, run_builder: RunBuilder, tmp_path: Path, env: dict[str, str]
) -> None:
    """Exit code 2, a line that says why, nothing built, nothing sent, no password repeated."""
    done = run_builder("publish", *words, env=env)
    assert done.returncode == 2, done.stderr
    assert say in done.stderr
    assert "canary" not in done.stderr
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize(
    ("what", "code"), [("wheel", 6), ("statement", 8), ("nothing beside it", 8)]
)
def test_only_what_was_built_is_sent(
    what: str, code: int, run_builder: RunBuilder, tmp_path: Path, env: dict[str, str]
) -> None:
    """A wheel that was changed, or whose provenance was, or has none: nothing is sent."""
    assert run_builder("build", "2.2.1").returncode == 0
    wheel = tmp_path / "dist" / WHEEL
    beside = tmp_path / "dist" / f"{WHEEL}.provenance.json"
    if what == "wheel":
        wheel.write_bytes(wheel.read_bytes().replace(b"For testing only", b"For testing 0nly"))
    elif what == "statement":
        beside.write_text(beside.read_text().replace("shell-html.patch", "iframe.patch"))
    else:
        beside.unlink()
    conduct = Conduct()
    with misbehaving(conduct) as url:
        done = run_builder("publish", "2.2.1", "--repository", url, env=env)
    assert (done.returncode, conduct.posts) == (code, 0), done.stderr


def test_a_local_wheel_goes_to_a_private_index(
    run_builder: RunBuilder, env: dict[str, str]
) -> None:
    """Local versions are refused on public indexes only; private ones may overwrite, and lag."""
    conduct = Conduct(deque([Act(502, store=True), STORE]), hidden=1)
    with misbehaving(conduct) as url:
        words = ("publish", "2.2.1", "--identity", "local", "--repository", url, "--no-install")
        done = run_builder(*words, env=env)
    assert done.returncode == 0, done.stderr
    assert conduct.stored == [f"tensorboard-2.2.1+{ProjectSettings().local_label}-py3-none-any.whl"]


def test_install_hint_prints_what_users_type(run_builder: RunBuilder) -> None:
    """For every release that was named, without asking any index."""
    done = run_builder("install-hint", "2.2.1", "2.2.2", "--offline")
    assert done.returncode == 0, done.stderr
    for version in ("2.2.1", "2.2.2"):
        assert f"pip install tensorboardtmp=={version}" in done.stdout
    assert "explicit = true" in done.stdout
    assert "extra-index-url" not in done.stdout


def test_without_the_extra_the_hint_is_there_and_nothing_is_fetched_from_a_stranger(
    run_builder: RunBuilder,
) -> None:
    """As `build` installs itself; this project's name on an index is anybody's to take."""
    bare = (
        "import sys; absent = ('cyclonedx', 'pypi_attestations', 'pypiserver', 'twine', 'uv');"
        "sys.modules.update(dict.fromkeys(absent));"
        "from builder.cli import main; main(sys.argv[3:])"
    )
    run = partial(run_builder, python=(sys.executable, "-c", bare))
    full = run_builder("install-hint", "2.2.1")
    done = run("install-hint", "2.2.1")
    assert (done.returncode, done.stdout) == (0, full.stdout), done.stderr
    for words, code in (
        (("install-hint", "2.2.1", "--repository", "mine"), 2),
        (("publish", "2.2.1"), 13),
    ):
        done = run(*words)
        assert done.returncode == code, done.stderr
        assert "needs" in done.stderr
        assert "twine" in done.stderr
        assert "in a checkout of this project: pip install -e '.[publish]'" in done.stderr
