"""builder.verify.second_reader: what the library `wheel` says of wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.model import Finding, FindingStatus
from builder.verify import second_reader
from builder.verify.deep import WheelBytes
from tests import text_defects, zip_defects
from tests.test_checks_defects import DEFECTS
from tests.wheels import findings, make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.forge import File


def read(file: File, *, stock: File | None = None) -> list[Finding]:
    """What the library says, after our own checks."""
    found = findings(file, make_wheel())
    return second_reader.check_with_wheel_library(
        WheelBytes(*file), None if stock is None else WheelBytes(*stock), found
    )


def test_it_reads_what_we_build() -> None:
    """Every member, and the hash of each."""
    assert read(make_wheel().file) == []


@pytest.mark.parametrize(
    ("defect", "why"),
    [
        (text_defects.stale_hash, "Hash mismatch"),
        (text_defects.missing_from_record, "No hash found"),
        (text_defects.md5_hash, "Weak hash algorithm"),
        (text_defects.no_record, "Missing"),
    ],
)
def test_it_refuses_by_itself(defect: Callable[[File], File], why: str) -> None:
    """As it reads RECORD in its own way; the reason is its own too."""
    (finding,) = read(defect(make_wheel().file))
    assert (finding.code, finding.status) == ("S951", FindingStatus.NEW)
    assert why in finding.detail


def test_what_it_says_of_the_stock_wheel_too_is_inherited() -> None:
    """Ours and the stock wheel have the same defect."""
    made = make_wheel()
    (finding,) = read(text_defects.stale_hash(made.file), stock=text_defects.stale_hash(made.stock))
    assert finding.status is FindingStatus.INHERITED


def test_it_does_not_open_what_may_inflate_without_end() -> None:
    """A zip structure that we refuse: undecided, and so never passed."""
    (finding,) = read(zip_defects.bomb_of_declared_size(make_wheel().file))
    assert (finding.code, finding.status) == ("S951", FindingStatus.UNCHECKED)


@pytest.mark.parametrize("defect", [defect for defect, _ in DEFECTS], ids=lambda d: d.__name__)
def test_what_it_refuses_we_refuse_too(defect: Callable[[File], File]) -> None:
    """A reader that finds what our checks miss would be news: a check would be wanting."""
    file = defect(make_wheel().file)
    own = [f for f in findings(file, make_wheel()) if f.status is not FindingStatus.INHERITED]
    if read(file):
        assert own
