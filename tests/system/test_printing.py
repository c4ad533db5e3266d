"""What others wrote is printed as text: member names, commits, servers' answers, logs.

The runner of GitHub Actions takes a line for a command that begins with `::`, and `##[` anywhere.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections import deque
from typing import TYPE_CHECKING

import pytest

from builder.errors import CommandError
from builder.system.command import run_command
from tests.support.address_attacks import ADDRESSES, find_leak
from tests.support.address_driver import DOORS
from tests.support.releases import ROOT
from tests.support.upload_server import CANARY, Act, Conduct, misbehaving
from tests.support.wheels import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import Finished, RunBuilder
    from tests.support.upstream import StandIn

_NASTY = "x\n::error file=a::forged\r::set-output name=a::b ##[error]y \x1b]0;t\x07\x9b31m\u202egpj"
_MEMBERS = (
    "tensorboard/a\n::error::forged.py",
    "::warning::first.py",
    "  ::stop-commands::t",
    "tensorboard/##[group]g.py",
    "tensorboard/\x1b[2J\x07.py",
    "tensorboard/\u202egpj.exe",
    "tensorboard/a\u200bb.py",
    "tensorboard/[bold red]b[/].py",
    "tensorboard/\x85::notice::n\u2028::notice::n.py",
)


def _expect_text(done: Finished) -> str:
    """All that was printed, if it is nothing but text."""
    printed = done.stdout + done.stderr
    for line in printed.split("\n"):
        assert line.isprintable(), line
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line, line
    return printed


def test_members_of_a_wheel(tmp_path: Path, run_builder: RunBuilder) -> None:
    """`check` names them, also on one that cannot be read."""
    file = make_wheel().file
    wheel = tmp_path / file.filename
    wheel.write_bytes(file.content)
    with zipfile.ZipFile(wheel, "a") as archive:
        for name in _MEMBERS:
            archive.writestr(name, "x")
    for words in ((), ("--debug",)):
        printed = _expect_text(run_builder("check", str(wheel), "--offline", *words))
        assert "forged" in printed


def test_the_name_of_a_file(tmp_path: Path, run_builder: RunBuilder) -> None:
    """Of a wheel, and on the page of a job."""
    (tmp_path / "dist").mkdir()
    name = f"tensorboard-2.2.1-{_NASTY.replace('/', '')}.whl"
    (tmp_path / "dist" / name).write_bytes(b"PK")
    assert "forged" in _expect_text(run_builder("check", f"dist/{name}", "--offline"))
    assert "forged" in _expect_text(run_builder("summary"))
    page = tmp_path / "page.md"
    run_builder("summary", env={"GITHUB_STEP_SUMMARY": str(page)})
    assert all(line.isprintable() for line in page.read_text().split("\n"))


def test_the_subject_of_a_commit(
    tmp_path: Path, upstream: StandIn, own_cache: Path, run_builder: RunBuilder
) -> None:
    """`plan` shows it, and its file names as reasons."""
    copy = tmp_path / "copy.git"
    shutil.copytree(upstream.path, copy)
    message = _NASTY.replace("\n", "\r").encode() + b"\n\nbody\n"
    git = ("git", "-C", str(copy), "-c", "user.name=n", "-c", "user.email=e@localhost")

    def run(*words: str, stdin: bytes = b"") -> str:
        done = subprocess.run([*git, *words], input=stdin, capture_output=True, check=True)
        return done.stdout.decode().strip()

    tree = run("rev-parse", f"{upstream.proxy}^{{tree}}")
    commit = run("commit-tree", tree, "-p", f"{upstream.proxy}^", stdin=message)
    run("branch", "nasty", commit)
    words = ("plan", "2.2.1", "--upstream", str(copy), "--cherry-pick", commit)
    done = run_builder(*words, env={"XDG_CACHE_HOME": str(own_cache)})
    assert "forged" in _expect_text(done)
    assert done.returncode == 0, done.stderr
    as_json = run_builder(*words, "--json", env={"XDG_CACHE_HOME": str(own_cache)})
    _expect_text(as_json)
    assert json.loads(as_json.stdout)[0]["version"] == "2.2.1"


@pytest.mark.usefixtures("warm")
def test_the_answer_of_a_server(run_builder: RunBuilder, tmp_path: Path) -> None:
    """`publish` quotes it."""
    env = {"TWINE_USERNAME": "me", "TWINE_PASSWORD": CANARY, "HOME": str(tmp_path)}
    with misbehaving(Conduct(deque([Act(400, _NASTY)]))) as url:
        done = run_builder("publish", "2.2.1", "--no-install", "--repository", url, env=env)
    assert done.returncode == 13, done.stderr
    assert "forged" in _expect_text(done)


def test_the_end_of_a_log_has_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that fails is quoted; lines that could hold a password are left out."""
    from builder.system import known_secrets

    monkeypatch.setattr(known_secrets, "_registered", {CANARY})
    code = f"import sys; print('one'); print('sent {CANARY}'); sys.exit('two')"
    with pytest.raises(CommandError) as caught:
        run_command([sys.executable, "-c", code], timeout=60)
    assert caught.value.hint == "one\n(left out, as it could hold a password)\ntwo"


@pytest.mark.long
@pytest.mark.parametrize("door", DOORS)
def test_no_address_is_displayed_with_its_password(door: str) -> None:
    """However malformed it is, whoever refuses it, and with a traceback, too."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/support/address_driver.py"), door],
        input=json.dumps(ADDRESSES),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=True,
    )
    printed = json.loads(done.stdout)
    assert set(printed) == set(ADDRESSES)
    assert all(printed.values())
    leaks = {name: text for name, text in printed.items() if find_leak(text)}
    assert leaks == {}
