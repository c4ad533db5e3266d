"""`check` asks an index for attestations, and verifies them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder


def test_check_looks_at_attestations(run_builder: RunBuilder, tmp_path: Path) -> None:
    """`check --provenance` fails for one that does not belong to the wheel."""
    assert run_builder("build", "2.2.1").returncode == 0
    wheel = next((tmp_path / "dist").glob("*.whl"))
    done = run_builder("check", str(wheel), "--provenance")
    assert done.returncode == 0
    assert "no attestation" in done.stdout
    wheel.with_name(f"{wheel.name}.publish.attestation").write_text("{}")
    done = run_builder("check", str(wheel), "--provenance")
    assert (done.returncode, "is no attestation" in done.stderr) == (8, True), done.stderr
