"""`publish` sends the wheel that was asked for: its name, its series, and no commit beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.cli import WHEEL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder
    from tests.support.upstream import StandIn

pytestmark = pytest.mark.usefixtures("warm")


def test_commits_that_nobody_asked_for_are_not_published(
    run_builder: RunBuilder, own_cache: Path, upstream: StandIn
) -> None:
    """What lies in dist/ with commits, series or a name of its own, is published by these alone."""
    env = {"XDG_CACHE_HOME": str(own_cache)}
    source = ("--upstream", str(upstream.path))
    picks = ("--cherry-pick", upstream.proxy, *source)
    for made, asked, other in (
        (picks, picks, (source[:0], ("--series", "none"), ("--cherry-pick", "import", *source))),
        (("--series", "proxy"), ("--series", "proxy"), ((), picks)),
        (("--name", "TensorBoardTmp"), ("--name", "TensorBoardTmp"), ((),)),
    ):
        built = run_builder("build", "2.2.1", "--force", *made, env=env)
        assert built.returncode == 0, built.stderr
        for words in other:
            done = run_builder("publish", "2.2.1", "--no-install", *words, env=env)
            # What is not as asked for is a finding, unless only its name or its commits differ.
            assert done.returncode in (2, 6), (made, words, done.stdout, done.stderr)
            assert "uploaded" not in done.stdout
        done = run_builder("publish", "2.2.1", "--no-install", *asked, env=env)
        assert done.returncode == 0, (made, done.stderr)
        assert f"{WHEEL} uploaded" in done.stdout


def test_commits_that_were_asked_for_are_built_and_published(
    run_builder: RunBuilder, own_cache: Path, upstream: StandIn, tmp_path: Path
) -> None:
    """In an empty directory; a dry run leaves nothing there."""
    env = {"XDG_CACHE_HOME": str(own_cache)}
    words = ("publish", "2.2.1", "--cherry-pick", "proxy", "--upstream", str(upstream.path))
    done = run_builder(*words, "--dry-run", "--no-install", env=env)
    assert done.returncode == 0, done.stderr
    assert f"2.2.1 {WHEEL} would be uploaded" in done.stdout
    assert not (tmp_path / "dist").exists()
