"""Every verb explains itself."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from builder.cli import cli
from tests.support.releases import ROOT

VERBS = cli.list_commands(click.Context(cli))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    """--help works without a network and names its options."""
    words = [sys.executable, "-m", "builder", verb, "--help"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Usage: python -m builder {verb}")
