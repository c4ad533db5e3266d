"""Our patches, applied by git: the same end."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from builder.patching import diff
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("patch", sorted(ROOT.glob("patches/*/*.patch")), ids=lambda p: p.name)
def test_git_applies_our_patches_to_the_same_end(patch: Path, tmp_path: Path) -> None:
    """Every hunk of every patch file, on the file that its old sides make: git agrees with us."""
    for path, hunks in diff.parse_diff(patch.read_text().partition("\n---\n")[2]).items():
        # Line numbers do not count for either, so the old sides with a mark between them will do.
        content = b"".join(b"# %d\n" % n + h.old for n, h in enumerate(hunks))
        target = tmp_path / path
        target.parent.mkdir(parents=True)
        target.write_bytes(content)
        subprocess.run(["git", "apply", "--unsafe-paths", str(patch)], cwd=tmp_path, check=True)
        assert target.read_bytes() == diff.apply_hunks(content, hunks)
