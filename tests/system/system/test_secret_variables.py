"""What real programs that we start, and real git, see of the credentials in our environment."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from builder.git.runner import GitRunner
from builder.system import command
from builder.system.settings import read_user_settings
from tests.support.releases import ROOT
from tests.support.secret_names import HOST_TOKENS, SECRETS

if TYPE_CHECKING:
    from pathlib import Path

_LIST = "import os; print(*os.environ)"


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that there may be, and some that are none."""
    for name in (*SECRETS, *HOST_TOKENS, "GITHUB_OUTPUT"):
        monkeypatch.setenv(name, "canary")


def test_programs_inherit_no_credentials(tmp_path: Path) -> None:
    """By every way in which we start them, whatever environment they are given."""
    words = [sys.executable, "-c", _LIST]
    log = tmp_path / "log"
    with command.run_in_background(words, log=log) as process:
        process.wait()
    outputs = [
        command.run_command(words, timeout=60),
        command.run_command(words, timeout=60, env=os.environ),
        command.try_command(words, timeout=60)[1],
        log.read_text(),
    ]
    for seen in map(str.split, outputs):
        assert not {*SECRETS, *HOST_TOKENS} & {*seen}
        assert "GITHUB_OUTPUT" in seen


def test_git_sees_the_tokens_of_its_hosts_alone(tmp_path: Path) -> None:
    """Its helpers, and what a repository's configuration makes it run, see what it sees."""
    runner = GitRunner(tmp_path, os.environ, read_user_settings(os.environ))
    text = runner.run_git("-c", "alias.list-env=!env", "list-env").text
    shown = {
        name for line in text.splitlines() for name, _, value in [line.partition("=")] if value
    }
    assert not {*SECRETS} & shown
    assert {*HOST_TOKENS} <= shown


def test_a_verb_that_does_not_upload_has_none_itself() -> None:
    """Libraries that start programs of their own inherit nothing either; `publish` keeps them."""
    code = (
        "import os, sys; from builder.cli import main\n"
        "try: main([sys.argv[1], '--help'])\n"
        "finally: print(*os.environ)"
    )
    for verb, kept in (("build", False), ("smoke-lab", False), ("publish", True), ("upload", True)):
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code, verb], env=env, capture_output=True, text=True, check=True
        )
        names = done.stdout.splitlines()[-1].split()
        assert ({*SECRETS} <= {*names}) is kept, verb
        assert bool({*SECRETS} & {*names}) is kept, verb
        assert {*HOST_TOKENS, "PATH"} <= {*names}
