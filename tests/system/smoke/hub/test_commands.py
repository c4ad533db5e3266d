"""`smoke-hub` as a user types it, and the commands that its files tell users to type."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from builder.reports.hub_page import render_hub_page
from builder.smoke.results.result import write_result
from tests.support.hub_results import make_hub_results
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder

_COMMAND = re.compile(r"^#?[ ]{3,}(docker (?:[^\n]*\\\n)*[^\n]*)", re.MULTILINE)


def test_commands_to_be_typed_are_commands() -> None:
    """What comments and docstrings of dockerfiles/ tell to type is one command, as it stands.

    A backslash that was escaped cuts it in two, of which a shell knows no program for the second.
    """
    files = sorted((ROOT / "dockerfiles").rglob("*"))
    texts = [path.read_text() for path in files if path.is_file()]
    commands = [re.sub(r"\n#", "\n", m[1]) for text in texts for m in _COMMAND.finditer(text)]
    assert any("docker.sock" in c and c.endswith("jupyterhub_config_docker.py") for c in commands)
    for command in commands:
        typed = f'docker() {{ printf "%s\\n" "$@"; }}\n{command}'
        done = subprocess.run(["bash", "-euc", typed], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), command
        assert not {"", "\\"}.intersection(done.stdout.splitlines()), command


def test_the_command_says_what_is_wrong(run_builder: RunBuilder) -> None:
    """A configuration that there is not, a page without a run: exit code 2, and what to do."""
    unknown = run_builder("smoke-hub", "2.2.1", "--only", "hub-fancy")
    assert (unknown.returncode, "hub-containers" in unknown.stderr) == (2, True)
    empty = run_builder("smoke-hub", "table")
    assert (empty.returncode, "nox -s smoke_hub" in empty.stderr) == (2, True)


def test_the_command_writes_the_page_or_says_why_not(
    run_builder: RunBuilder, tmp_path: Path
) -> None:
    """A directory that is not there is a line about it, with the option that names another."""
    for result in make_hub_results("2.2.1"):
        place = tmp_path / "2.2.1" / result.deployment
        place.mkdir(parents=True)
        write_result(result, place)
    words = ("smoke-hub", "table", "--reports", str(tmp_path), "--page")
    lost = run_builder(*words, str(tmp_path / "nowhere" / "x.md"))
    assert lost.returncode == 7
    assert "nowhere/x.md cannot be written: No such file or directory" in lost.stderr
    assert "--page" in lost.stderr
    assert run_builder(*words, str(tmp_path / "x.md")).returncode == 0
    assert (tmp_path / "x.md").read_text() == render_hub_page(make_hub_results("2.2.1"))
