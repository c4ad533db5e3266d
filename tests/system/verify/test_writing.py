"""`check` on wheels that hold the code we ship, in an archive that our writer did not write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.checks.table import READER_CODES, STATIC_CODES, WRITING_CODES
from tests.support import respellings
from tests.support.cli import WHEEL, sha256
from tests.support.forge import File

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder

pytestmark = pytest.mark.usefixtures("warm")
RESPELLED = (
    respellings.bytes_in_padding_of_blocks,
    respellings.record_with_quotes,
    respellings.headers_in_other_order,
    respellings.members_in_other_order,
)


def test_where_our_overlay_is_claimed_only_our_writing_passes(
    run_builder: RunBuilder, tmp_path: Path
) -> None:
    """A forged statement speaks of the respelled wheel: D709; without any there is a note."""
    assert run_builder("build", "2.2.1", "--offline").returncode == 0
    wheel = tmp_path / "dist" / WHEEL
    words = ("check", "--offline", f"dist/{WHEEL}")
    done = run_builder(*words)
    passed = len(STATIC_CODES) + len(READER_CODES) + len(WRITING_CODES)
    assert done.returncode == 0, done.stderr
    assert f"{passed} checks passed, 0 failed, 0 inherited, 0 unchecked" in done.stdout
    assert "written" not in done.stderr
    beside = wheel.with_name(f"{WHEEL}.provenance.json")
    good, digest, statement = wheel.read_bytes(), sha256(wheel), beside.read_text()
    assert statement.count(digest) == 1
    for respell in RESPELLED:
        wheel.write_bytes(respell(File(WHEEL, good)).content)
        beside.write_text(statement.replace(digest, sha256(wheel)))
        done = run_builder(*words)
        assert done.returncode == 6, (respell, done.stdout, done.stderr)
        assert "new D709" in done.stdout
        assert "fails D709" in done.stderr
        beside.unlink()
        done = run_builder(*words)
        assert done.returncode == 0, (respell, done.stdout, done.stderr)
        assert "D709" not in done.stdout
        assert "the archive is not written as this tool writes an overlay" in done.stderr
