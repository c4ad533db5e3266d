"""builder.verify.second_reader: what the library `wheel` says of wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.model import Finding, FindingStatus
from builder.verify import second_reader
from builder.verify.deep import WheelBytes
from tests.support import record_defects, zip_defects
from tests.support.releases import CATALOG, stock_path
from tests.support.wheels import findings, make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.model import Release
    from tests.support.forge import File


def read(file: File) -> list[Finding]:
    """What the library says, after our own checks."""
    found = findings(file, make_wheel())
    return second_reader.check_with_wheel_library(WheelBytes(*file), found)


def test_it_reads_what_we_build() -> None:
    """Every member, and the hash of each."""
    assert read(make_wheel().file) == []


@pytest.mark.parametrize(
    ("defect", "why"),
    [
        (record_defects.stale_hash, "Hash mismatch"),
        (record_defects.missing_from_record, "No hash found"),
        (record_defects.md5_hash, "Weak hash algorithm"),
        (record_defects.no_record, "Missing"),
    ],
)
def test_it_refuses_by_itself(defect: Callable[[File], File], why: str) -> None:
    """As it reads RECORD in its own way; the reason is its own too."""
    (finding,) = read(defect(make_wheel().file))
    assert (finding.code, finding.status) == ("S951", FindingStatus.NEW)
    assert why in finding.detail


@pytest.mark.parametrize("release", CATALOG.releases, ids=lambda release: release.version)
def test_it_reads_every_stock_wheel(release: Release) -> None:
    """So nothing that it says of ours is inherited."""
    wheel = WheelBytes(release.wheel.filename, stock_path(release.wheel).read_bytes())
    assert second_reader.check_with_wheel_library(wheel, []) == []


def test_it_does_not_open_what_may_inflate_without_end() -> None:
    """A zip structure that we refuse: undecided, and so never passed."""
    (finding,) = read(zip_defects.bomb_of_declared_size(make_wheel().file))
    assert (finding.code, finding.status) == ("S951", FindingStatus.UNCHECKED)


def test_where_there_is_no_room_it_is_undecided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine's fault says nothing of the wheel."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    (finding,) = read(make_wheel().file)
    assert (finding.code, finding.status) == ("S951", FindingStatus.UNCHECKED)
    assert "No such file" in finding.detail
