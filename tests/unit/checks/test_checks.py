"""builder.checks: what no defect table shows: samples, statuses, other readers."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest
from installer.sources import WheelFile as InstallerWheel
from msgspec.structs import replace
from packaging.metadata import Metadata

from builder.checks import run_checks
from builder.checks.table import DIFFERENCE_CODES
from builder.checks.wheel_under_check import WheelUnderCheck
from builder.model import FindingStatus, IdentityKind, MetadataEdit
from builder.wheel import archive
from tests.support import forge, record_defects, text_defects, wheel_defects, zip_defects
from tests.support.wheels import codes, findings, make_wheel, small_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.forge import File

SAMPLE = ("1.13.0", "1.15.0", "2.2.1", "2.3.0", "2.11.2", "2.20.0", "2.21.0")


@pytest.mark.parametrize("build_tag", [None, "1"])
@pytest.mark.parametrize("kind", IdentityKind)
@pytest.mark.parametrize("version", SAMPLE)
def test_good_wheels_have_no_new_finding(
    version: str, kind: IdentityKind, build_tag: str | None
) -> None:
    """What we build passes, under both identities, with and without a build tag."""
    made = make_wheel(version, kind, build_tag)
    found = findings(made.file, made)
    assert codes(found) == codes(found, FindingStatus.UNCHECKED) == set(), found


def test_what_the_stock_wheel_has_too_is_inherited() -> None:
    """2.11.2 names its licence in a header that its metadata version does not have: M404."""
    made = make_wheel("2.11.2")
    assert codes(findings(made.file, made), FindingStatus.INHERITED) == {"M404"}
    assert codes(findings(made.file, made)) == set()


def test_the_same_finding_is_new_where_the_stock_wheel_does_not_have_it() -> None:
    """The header of 2.11.2 in 2.2.1, with its file: M404 is new there."""
    made = make_wheel("2.2.1")
    assert codes(findings(wheel_defects.licence_named_too_early(made.file), made)) == {
        "M404",
        "D706",
    }


@pytest.mark.parametrize(
    "defect",
    [
        zip_defects.bytes_between_members,
        zip_defects.local_size_differs,
        record_defects.md5_hash,
        record_defects.missing_member,
        wheel_defects.no_licence,
        text_defects.other_tag,
        wheel_defects.malformed_entry_point,
    ],
)
def test_any_defect_of_the_stock_wheel_is_inherited(defect: Callable[[File], File]) -> None:
    """Made in both wheels, a defect is the stock one's: the codes stay, the standing changes."""
    made = small_wheel()
    damaged = made._replace(stock=defect(made.stock))
    own = {c for c in codes(findings(defect(made.file), made)) if c not in DIFFERENCE_CODES}
    found = findings(defect(made.file), damaged)
    assert codes(found, FindingStatus.INHERITED) == own
    assert codes(found) - set(DIFFERENCE_CODES) == set()


def test_the_official_name_is_never_inherited() -> None:
    """Every stock wheel has the official name without a local version; a wheel of ours may not."""
    made = make_wheel()
    assert "N206" in codes(findings(wheel_defects.official_name(made.file), made))
    assert "N206" in codes(findings(made.stock, made))


def test_metadata_edits_of_the_patches_are_allowed_and_required() -> None:
    """A requirement that a series drops must be gone; one that nobody drops must not."""
    made = make_wheel()
    drop = MetadataEdit("drop", "Requires-Dist", "absl-py", "for this test")
    series = made._replace(delta=replace(made.delta, metadata=(*made.delta.metadata, drop)))
    assert codes(findings(text_defects.requirement_missing(made.file), series)) == set()
    assert codes(findings(made.file, series)) == {"D706"}


def test_metadata_edits_that_do_not_apply_are_a_finding() -> None:
    """The stock wheel at hand is not the one that the series speaks of."""
    made = make_wheel()
    drop = MetadataEdit("drop", "Requires-Dist", "no-such-thing", "for this test")
    series = made._replace(delta=replace(made.delta, metadata=(*made.delta.metadata, drop)))
    assert codes(findings(made.file, series)) == {"D706"}


@pytest.mark.parametrize("has_stock", [False, True])
def test_without_what_it_is_compared_with_the_difference_is_unchecked(has_stock: bool) -> None:
    """No stock wheel, or nobody knows what the patches make of it: each D code says so."""
    made = make_wheel()
    stock = archive.parse_archive(made.stock.content, "stock") if has_stock else None
    parsed = archive.parse_archive(made.file.content, made.file.filename)
    found = run_checks(WheelUnderCheck(made.file.filename, parsed, stock), made.stock.filename)
    assert codes(found, FindingStatus.UNCHECKED) == set(DIFFERENCE_CODES)
    assert len(found) == len(DIFFERENCE_CODES)


@pytest.mark.parametrize(
    ("defect", "undecided"),
    [
        (record_defects.no_record, "R302 R303 R304 R305 R306"),
        (record_defects.record_not_utf8, "R302 R303 R304 R305 R306"),
        (text_defects.no_metadata, "N204 N205 M402 M403 M404 M405 C604 D706"),
        (text_defects.metadata_not_utf8, "M402 M403 M404 M405"),
        (text_defects.no_wheel_file, "W502 W503 W504 W505 D707"),
        (wheel_defects.no_wheel_name, "N204 N205 N206 W502 W503"),
        (zip_defects.bomb_of_declared_size, "Z110 R304 C603"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_cannot_be_decided_is_never_passed(
    defect: Callable[[File], File], undecided: str
) -> None:
    """Where one check takes the ground from under others, those are unchecked."""
    made = make_wheel()
    found = findings(defect(made.file), made)
    assert codes(found, FindingStatus.UNCHECKED) == set(undecided.split())


def installer_objects(file: File) -> bool:
    """Whether the installer library's RECORD validation refuses the wheel."""
    with zipfile.ZipFile(io.BytesIO(file.content)) as opened:
        opened.filename = file.filename
        wheel = InstallerWheel(opened)
        try:
            wheel.validate_record()
        except Exception:  # its own exceptions, and those of what it did not expect
            return True
    return False


@pytest.mark.parametrize(
    ("defect", "caught"),
    [
        (record_defects.stale_hash, True),
        (record_defects.missing_from_record, True),
        (wheel_defects.dist_info_not_renamed, True),
        (zip_defects.duplicate_entry, True),
        (wheel_defects.capitals_in_file_name, False),
        (wheel_defects.name_not_renamed, False),
        (text_defects.requirement_missing, False),
        (wheel_defects.no_webfiles, False),
        (zip_defects.bytes_behind, False),
        (zip_defects.recompressed_member, False),
    ],
)
def test_installer_agrees_as_far_as_it_looks(defect: Callable[[File], File], caught: bool) -> None:
    """Positive control: of the fourteen classes it refuses four; the rest shows why we look."""
    made = make_wheel()
    assert not installer_objects(made.file)
    assert installer_objects(defect(made.file)) is caught
    assert codes(findings(defect(made.file), made))


def test_packaging_agrees_that_the_sample_is_malformed() -> None:
    """Positive control for M404: the parser refuses 2.11.2's stock METADATA as a whole."""
    made = make_wheel("2.11.2")
    content = forge.inflate(forge.find(made.stock, f"{made.stock.dist_info}METADATA"))
    with pytest.raises(ExceptionGroup, match="invalid"):
        Metadata.from_email(content, validate=True)
