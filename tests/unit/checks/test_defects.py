"""The seeded-defect table: each defect made on a really built wheel, each caught, by code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.checks.table import STATIC_CODES
from builder.errors import WheelError
from builder.model import FindingStatus
from tests.support import name_defects as n
from tests.support import record_defects as r
from tests.support import text_defects as t
from tests.support import wheel_defects as w
from tests.support import zip_defects as z
from tests.support.forge import read, write
from tests.support.wheels import codes, findings, make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.forge import File

# The defect, and every code that is new because of it.
DEFECTS: tuple[tuple[Callable[[File], File], str], ...] = (
    # The container.
    (z.bytes_in_front, "Z101"),
    (z.bytes_behind, "Z101"),
    (z.bytes_between_members, "Z101"),
    (z.bytes_behind_directory, "Z101"),
    (z.archive_comment, "Z101"),
    (z.member_comment, "Z101"),
    (z.extra_field, "Z101"),
    (z.extra_field_in_local_header, "Z101"),
    (z.local_name_differs, "Z102"),
    (z.local_size_differs, "Z102"),
    (z.local_method_differs, "Z102"),
    (z.local_version_differs, "Z102 Z108"),
    (z.data_descriptor, "Z101 Z102 D705"),
    (z.shared_data, "Z102 D702"),
    (z.duplicate_entry, "Z103"),
    (z.duplicate_entry_with_other_content, "Z103 D703"),
    (n.absolute_name, "Z104 N203 D702"),
    (n.drive_letter, "Z104 N203 D702"),
    (n.name_that_leads_upwards, "Z104 D702"),
    (n.backslash_name, "Z104 N203 D702"),
    (n.name_with_empty_part, "Z104 D702"),
    (n.name_with_dot_part, "Z104 D702"),
    (n.name_with_nul, "Z104 D702"),
    (n.name_that_is_no_utf8, "Z104 D702"),
    (n.unflagged_utf8_name, "Z104 D702"),
    (n.symlink, "Z105 D702"),
    (n.symlink_from_dos, "Z105 D702"),
    (n.device, "Z105 D702"),
    (n.directory_entry_from_dos, "Z105 D702"),
    (n.directory_entry, "Z105 R302 D702"),
    (n.case_twin, "Z106 D702"),
    (n.unicode_twin, "Z106 D702"),
    (z.encrypted_member, "Z107 D705"),
    (z.strongly_encrypted_member, "Z107 D705"),
    (z.bzip2_member, "Z108 Z109 R304 C601 D703"),
    (z.newer_zip, "Z108 D705"),
    (z.patched_data, "Z108 D705"),
    (z.bomb_of_declared_size, "Z109 D702"),
    (z.bomb_of_lying_size, "Z109 R304 D702"),
    (z.bomb_of_python, "C603 D702"),
    (z.bomb_as_entry_point, "C601 C603 D703"),
    (z.bomb_of_webfiles, "C602 D703"),
    (z.wrong_size, "Z109 R304 C601 D703"),
    (z.cut_stream, "Z109 R304 C601 D703"),
    (z.bytes_in_stream, "Z109 R304 C601 D703"),
    (z.wrong_crc, "Z110 C601"),
    (z.recompressed_member, "D705"),
    (z.uncompressed_member, "D705"),
    (z.changed_mode, "D705"),
    (z.set_user_id, "D705"),
    (z.changed_timestamp, "D705"),
    (z.clock_in_rewritten_member, "D705"),
    # Names.
    (w.no_wheel_name, "N201"),
    (w.malformed_build_tag, "N201"),
    (w.capitals_in_file_name, "N201"),
    (w.hyphen_in_file_name, "N201 N202 N204 N205 N206 W503"),
    (w.dist_info_not_renamed, "N202"),
    (w.two_dist_infos, "N202 D702"),
    (w.module_beside_the_package, "N203 D702"),
    (w.package_beside_the_package, "N203 D702"),
    (w.data_directory, "N203 D702"),
    (w.name_not_renamed, "N204 N206 D706"),
    (w.version_differs, "N205 D706"),
    (w.huge_version, "N205 M404 D706"),
    (w.official_name, "N206 D706"),
    # RECORD.
    (r.no_record, "R301 D701"),
    (r.record_not_utf8, "R301"),
    (r.record_with_two_columns, "R301"),
    (r.record_with_huge_field, "R301"),
    (r.missing_from_record, "R302"),
    (r.missing_member, "R303"),
    (r.stale_hash, "R304 D706"),
    (r.other_size_in_record, "R304"),
    (r.size_missing_in_record, "R304"),
    (r.md5_hash, "R305"),
    (r.sha1_hash, "R305"),
    (r.no_hash, "R305"),
    (r.unknown_hash, "R305"),
    (r.listed_twice, "R306"),
    (r.own_hash, "R306"),
    # METADATA.
    (t.no_metadata, "M401 D701"),
    (t.metadata_not_utf8, "M401 D706"),
    (t.metadata_of_nine_megabytes, "M401"),
    (t.summary_twice, "M402 M404 D706"),
    (t.name_twice, "M402 M404 N204 D706"),
    (t.carriage_return_in_header, "M403 D706"),
    (t.line_separator_in_header, "M403 D706"),
    (t.line_that_is_no_header, "M403 D706"),
    (t.envelope_line, "M403 N204 N205 D706"),
    (t.unknown_header, "M404 D706"),
    (t.multipart_metadata, "M404 D706"),
    (t.thousands_of_headers, "M404 D706"),
    (t.folded_for_ever, "M404 D706"),
    (t.malformed_requirement, "M404 D706"),
    (t.no_description, "M405 D706"),
    (t.other_description, "D706"),
    (t.description_goes_on, "D706"),
    (t.no_notice, "D706"),
    (t.requirement_missing, "D706"),
    (t.requirement_added, "D706"),
    (t.other_python, "D706"),
    (t.dropped_requirement_kept, "D706"),
    (t.mend_not_made, "D704"),
    (t.classifiers_in_other_order, "D706"),
    (t.upstreams_summary, "D706"),
    # WHEEL.
    (t.no_wheel_file, "W501 D701"),
    (t.wheel_version_2, "W501 D707"),
    (t.other_tag, "W502 D707"),
    (t.exploding_tag, "W502 D707"),
    (t.build_tag_in_wheel_only, "W503"),
    (t.build_tag_in_file_name_only, "W503"),
    (t.other_build_tag, "W503"),
    (t.not_purelib, "W504 D707"),
    (t.injection_into_wheel, "W505 D707"),
    (t.other_generator, "D707"),
    # Content.
    (w.entry_point_to_missing_module, "C601 D703"),
    (w.entry_point_to_missing_attribute, "C601 D703"),
    (w.malformed_entry_point, "C601 D703"),
    (w.malformed_entry_points, "C601 D703"),
    (w.endless_entry_points, "C601 D703"),
    (w.no_console_script, "C601 D703"),
    (w.no_entry_points, "C601 D701"),
    (w.no_webfiles, "C602 D701"),
    (w.webfiles_without_root_element, "C602 D703"),
    (w.webfiles_without_page, "C602 D703"),
    (w.cut_webfiles, "C602 D703"),
    (w.webfiles_of_text, "C602 D703"),
    (w.broken_webfiles_page, "C602 D703"),
    (w.broken_python, "C601 C603 D703"),
    (w.nul_in_python, "C603 D703"),
    (w.unknown_encoding_in_python, "C603 D703"),
    (w.deep_python, "C603 D703"),
    (w.broken_patched_python, "C603 D704"),
    (w.no_licence, "C604 D701"),
    (w.named_licence_missing, "C604 M404 D706"),
    # Difference from stock.
    (w.lost_module, "D701"),
    (w.added_module, "D702"),
    (w.changed_module, "D703"),
    (w.changed_first_member, "D703"),
    (w.changed_top_level, "D703"),
    (w.patch_half_applied, "D704"),
)

# What leaves no directory to read: the archive as a whole is refused.
UNREADABLE: tuple[tuple[Callable[[File], File], str], ...] = (
    (z.overlapping_members, "overlaps"),
    (z.bytes_in_front_unaccounted, "signature"),
    (z.cut_short, "no end record"),
    (z.cut_comment, "comment"),
    (z.split_archive, "split"),
)


def _name(value: object) -> str:
    return getattr(value, "__name__", str(value))


def test_the_forge_gives_a_good_wheel_back() -> None:
    """What makes the defects changes nothing but what it is asked to."""
    file = make_wheel().file
    assert write(read(file.content)) == file.content


@pytest.mark.parametrize(("defect", "expected"), DEFECTS, ids=_name)
def test_each_defect_is_caught_by_its_codes(defect: Callable[[File], File], expected: str) -> None:
    """Exactly these codes are new: the defect is seen, and nothing else is blamed."""
    made = make_wheel()
    found = findings(defect(made.file), made)
    assert codes(found) == set(expected.split()), found


def test_a_patch_that_is_not_applied_is_caught() -> None:
    """The stock wheel's own member in place of the patched one: D704, and nothing else."""
    made = make_wheel()
    found = findings(w.patch_not_applied(made.file, made.stock.content), made)
    assert codes(found) == {"D704"}, found


@pytest.mark.parametrize(("defect", "why"), UNREADABLE, ids=_name)
def test_an_archive_without_a_readable_directory_is_refused(
    defect: Callable[[File], File], why: str
) -> None:
    """A clear error names the reason; there is no guess at what was meant."""
    made = make_wheel()
    with pytest.raises(WheelError, match=why):
        findings(defect(made.file), made)


def test_every_code_has_a_defect_that_trips_it() -> None:
    """No check is there that was never seen to catch anything."""
    tripped = {code for _, expected in DEFECTS for code in expected.split()}
    assert tripped == set(STATIC_CODES) - {"D708"}  # of `--stock`: tests/unit/verify


def test_a_stronger_hash_is_no_defect() -> None:
    """SHA-512 is verified as well as SHA-256."""
    made = make_wheel()
    assert codes(findings(r.sha512_hash(made.file), made)) == set()


@pytest.mark.parametrize("status", FindingStatus)
def test_the_good_wheel_has_no_finding(status: FindingStatus) -> None:
    """What all defects are made from is without any."""
    made = make_wheel()
    assert codes(findings(made.file, made), status) == set()
