"""D709: a wheel that our writer did not write is told from one that it did, byte for byte."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from builder.checks.wheel_under_check import WheelUnderCheck
from builder.checks.writing import check_writing
from builder.errors import WheelError
from builder.model import FindingStatus, IdentityKind
from builder.patching.identity import WheelNaming
from builder.patching.overlay import build_overlay, write_overlay
from builder.patching.series import load_series
from builder.wheel import archive
from tests.support import (
    forge,
    name_defects,
    record_defects,
    respellings,
    text_defects,
    wheel_defects,
    zip_defects,
)
from tests.support.releases import CATALOG, ROOT
from tests.support.wheels import codes, findings, make_wheel, small_wheel, writing_findings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.forge import File
    from tests.support.wheels import Made

SAMPLE = ("1.13.0", "1.15.0", "2.2.1", "2.3.0", "2.11.2", "2.20.0", "2.21.0")
DIST_INFO = "tensorboardtmp-2.2.1.dist-info"
# What D709 says of each respelling that no other check objects to: the member, and the words.
NOTEBOOK = "tensorboard/notebook.py"
ANEW = (NOTEBOOK, "compression method, timestamp, compressed bytes")
WORDS: dict[Callable[[File], File], tuple[str, str]] = {
    respellings.deflated_well: ANEW,
    respellings.deflated_fast: ANEW,
    respellings.deflated_without_compression: ANEW,
    respellings.deflated_with_fixed_codes: ANEW,
    respellings.deflated_in_split_blocks: ANEW,
    respellings.bytes_in_padding_of_blocks: ANEW,
    respellings.bits_behind_the_final_block: ANEW,
    respellings.deflated_metadata: (f"{DIST_INFO}/METADATA", ANEW[1]),
    respellings.deflated_record: (f"{DIST_INFO}/RECORD", ANEW[1]),
    respellings.flagged_name_of_changed_member: (NOTEBOOK, "flags"),
    respellings.flagged_name_of_copied_member: ("tensorboard/main.py", "flags"),
    respellings.members_in_other_order: ("tensorboard/_vendor/__init__.py", "another order"),
    respellings.record_first: (f"{DIST_INFO}/RECORD", "another order"),
    respellings.directory_in_other_order: (f"{DIST_INFO}/RECORD", "another order"),
    respellings.data_in_other_order: ("", "another order than the directory"),
    respellings.record_in_other_order: (f"{DIST_INFO}/RECORD", "order of its lines"),
    respellings.record_with_its_own_line_first: (f"{DIST_INFO}/RECORD", "order of its lines"),
    respellings.record_with_quotes: (f"{DIST_INFO}/RECORD", "content, from line 1 on"),
    respellings.record_with_other_line_ends: (f"{DIST_INFO}/RECORD", "content, from line 1 on"),
    respellings.record_with_carriage_returns: (f"{DIST_INFO}/RECORD", "content, from line 1 on"),
    respellings.record_without_last_line_end: (f"{DIST_INFO}/RECORD", "content, from line 293 on"),
    respellings.record_with_sha512: (f"{DIST_INFO}/RECORD", "content, from line 7 on"),
    respellings.header_names_in_lower_case: (f"{DIST_INFO}/METADATA", "content, from line 9 on"),
    respellings.folded_header: (f"{DIST_INFO}/METADATA", "content, from line 9 on"),
    respellings.spaces_around_a_value: (f"{DIST_INFO}/METADATA", "content, from line 25 on"),
    respellings.no_space_before_a_value: (f"{DIST_INFO}/METADATA", "content, from line 2 on"),
    respellings.headers_in_other_order: (f"{DIST_INFO}/METADATA", "order of its lines"),
    respellings.headers_with_other_line_ends: (f"{DIST_INFO}/METADATA", "content, from line 3 on"),
    respellings.other_empty_line: (f"{DIST_INFO}/METADATA", "content, from line 40 on"),
    respellings.build_tag_first: (f"{DIST_INFO}/WHEEL", "order of its lines"),
    respellings.build_tag_with_spaces: (f"{DIST_INFO}/WHEEL", "content, from line 5 on"),
}
# Respellings that another check has long objected to, and its codes.
CAUGHT_BEFORE = (
    (respellings.extra_field_of_changed_member, "Z101"),
    (respellings.comment_of_changed_member, "Z101"),
    (respellings.streamed_changed_member, "Z101 Z102 D705"),
    (respellings.changed_member_from_dos, "D705"),
    (respellings.changed_member_with_level_in_flags, "D705"),
    (respellings.gap_behind_changed_member, "Z101"),
    (respellings.record_with_padded_hash, "R304"),
    (respellings.record_with_capital_hash, "R305"),
    (respellings.record_with_line_of_no_member, "R303"),
    (zip_defects.clock_in_rewritten_member, "D705"),
    (zip_defects.archive_comment, "Z101"),
    (zip_defects.bytes_in_front, "Z101"),
    (zip_defects.bytes_behind, "Z101"),
    (zip_defects.recompressed_member, "D705"),
    (zip_defects.wrong_crc, "Z110"),
    (zip_defects.local_version_differs, "Z102 Z108"),
    (wheel_defects.capitals_in_file_name, "N201"),
    (wheel_defects.dist_info_not_renamed, "N202"),
    (wheel_defects.added_module, "D702"),
    (wheel_defects.changed_module, "D703"),
    (text_defects.other_generator, "D707"),
    (record_defects.sha512_hash, ""),
    (name_defects.case_twin, "Z106 D702"),
)


def _make_for(respell: Callable[[File], File]) -> Made:
    return make_wheel(build_tag="1" if respell in respellings.NEED_BUILD_TAG else None)


def _read_code(file: File) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(file.content)) as opened:
        return {n: opened.read(n) for n in opened.namelist() if not n.startswith(file.dist_info)}


def test_every_respelling_is_in_the_table() -> None:
    """What the toolkit makes is tried here."""
    assert set(WORDS) == set(respellings.RESPELLINGS)


@pytest.mark.parametrize("respell", WORDS, ids=lambda r: r.__name__)
def test_another_spelling_of_the_same_code_is_found(respell: Callable[[File], File]) -> None:
    """The same code is installed and no other check objects; D709 names the member and how."""
    made = _make_for(respell)
    file = respell(made.file)
    assert file.content != made.file.content
    assert _read_code(file) == _read_code(made.file)
    assert findings(file, made) == []
    found = writing_findings(file, made)
    assert codes(found) == {"D709"}
    subject, words = WORDS[respell]
    detail = found[0].detail
    assert (found[0].subject, words in detail) == (subject, True), found
    # RECORD lists another hash of METADATA or WHEEL; apart from that nothing else is named.
    assert {f.subject for f in found[1:]} <= {f"{DIST_INFO}/RECORD"}


@pytest.mark.parametrize(
    ("defect", "others"), CAUGHT_BEFORE, ids=lambda value: getattr(value, "__name__", None)
)
def test_what_other_checks_object_to_is_found_too(
    defect: Callable[[File], File], others: str
) -> None:
    """D709 does not rely on the other checks: it has a finding wherever a byte differs."""
    made = make_wheel()
    file = defect(made.file)
    assert codes(findings(file, made)) >= set(others.split())
    assert codes(writing_findings(file, made)) == {"D709"}


@pytest.mark.parametrize("build_tag", [None, "1"])
@pytest.mark.parametrize("kind", IdentityKind)
@pytest.mark.parametrize("version", SAMPLE)
def test_what_we_build_has_no_finding(
    version: str, kind: IdentityKind, build_tag: str | None
) -> None:
    """Under both identities, with and without a build tag."""
    made = make_wheel(version, kind, build_tag)
    assert writing_findings(made.file, made) == []


@pytest.mark.parametrize("names", [(), ("security",), ("proxy-hardening", "proxy")])
@pytest.mark.parametrize("name", ["tensorboardtmp", "My.Board-9"])
def test_other_series_and_names_have_no_finding(names: tuple[str, ...], name: str) -> None:
    """Without any series, in another order, and with a name that the file name spells otherwise."""
    made = make_wheel()
    release = CATALOG.find_release("2.2.1")
    assert release is not None
    series = [load_series(ROOT / "patches" / n) for n in names]
    identity = WheelNaming(IdentityKind.TEST, name).make_identity("2.2.1")
    overlay = build_overlay(release, made.stock.content, series, identity)
    built = made._replace(file=forge.File(overlay.filename, overlay.content), delta=overlay.delta)
    assert writing_findings(built.file, built) == []


def test_picked_commits_are_part_of_what_is_written() -> None:
    """The notice names them: a wheel with the same changes and without them is another one."""
    made = make_wheel()
    release = CATALOG.find_release("2.2.1")
    assert release is not None
    patch = replace(made.delta.applied[0], file="f" * 40, commit=True)
    delta = replace(made.delta, applied=(patch, *made.delta.applied[1:]))
    identity = WheelNaming(IdentityKind.TEST, "tensorboardtmp").make_identity("2.2.1")
    stock = archive.parse_archive(made.stock.content, made.stock.filename)
    filename, pieces = write_overlay(release, stock, delta, identity)
    picked = forge.File(filename, b"".join(pieces))
    assert writing_findings(picked, made._replace(delta=delta)) == []
    assert codes(writing_findings(picked, made)) == {"D709"}


@pytest.mark.parametrize(
    ("defect", "reason"),
    [
        (text_defects.no_metadata, "'' is not a valid distribution name"),
        (text_defects.metadata_of_nine_megabytes, "'' is not a valid distribution name"),
        (wheel_defects.no_wheel_name, "is not named like a wheel"),
    ],
)
def test_without_an_identity_it_is_unchecked(defect: Callable[[File], File], reason: str) -> None:
    """The file does not say what it is called; other checks say so."""
    made = make_wheel()
    (found,) = writing_findings(defect(made.file), made)
    assert (found.code, found.status) == ("D709", FindingStatus.UNCHECKED)
    assert reason in found.detail
    assert codes(findings(defect(made.file), made))


@pytest.mark.parametrize("missing", ["stock", "delta", "release"])
def test_without_what_it_is_made_from_it_is_unchecked(missing: str) -> None:
    """Never passed."""
    made = make_wheel()
    parsed, stock = (archive.parse_archive(f.content, "x") for f in (made.file, made.stock))
    release = CATALOG.find_release("2.2.1")
    wheel = WheelUnderCheck(
        made.file.filename,
        parsed,
        None if missing == "stock" else stock,
        None if missing == "delta" else made.delta,
    )
    (found,) = check_writing(wheel, None if missing == "release" else release)
    assert (found.code, found.status) == ("D709", FindingStatus.UNCHECKED)


def test_a_stock_wheel_of_huge_metadata_is_not_read() -> None:
    """It is unchecked, before any of it is inflated."""
    made = make_wheel()
    huge = forge.edit(made.stock, f"{made.stock.dist_info}LICENSE", lambda _: b" " * 2_000_000)
    (found,) = writing_findings(made.file, made._replace(stock=huge))
    assert found.status is FindingStatus.UNCHECKED


def test_a_name_that_stands_a_thousand_times_is_compared_once() -> None:
    """A hostile directory cannot multiply the work."""
    made = make_wheel()
    flood = [forge.stored(NOTEBOOK.encode(), b"%d" % number) for number in range(1000)]
    content = forge.write([*forge.read(made.file.content), *flood])
    found = writing_findings(made.file._replace(content=content), made)
    assert [f.subject for f in found] == [NOTEBOOK, NOTEBOOK]  # the order, and the content


@cache
def _make_small() -> Made:
    """A dozen members of the stock wheel, and what our writer makes of them."""
    small = small_wheel()
    release = CATALOG.find_release("2.2.1")
    assert release is not None
    stock = archive.parse_archive(small.stock.content, small.stock.filename)
    changes = {p: c for p, c in small.delta.changes.items() if stock.find_member(p) is not None}
    delta = replace(small.delta, changes=changes)
    identity = WheelNaming(IdentityKind.TEST, "tensorboardtmp").make_identity("2.2.1")
    filename, pieces = write_overlay(release, stock, delta, identity)
    return small._replace(file=forge.File(filename, b"".join(pieces)), delta=delta)


def test_the_small_wheel_has_no_finding() -> None:
    """What the next test damages is without any."""
    assert writing_findings(_make_small().file, _make_small()) == []


@settings(max_examples=150)
@given(st.integers(0, 1 << 24), st.binary(min_size=1, max_size=6), st.booleans())
def test_no_change_of_any_bytes_passes(place: int, new: bytes, instead: bool) -> None:
    """Wherever bytes are replaced or inserted: a finding, or unchecked, or no archive at all."""
    made = _make_small()
    place %= len(made.file.content)
    rest = made.file.content[place + (len(new) if instead else 0) :]
    file = made.file._replace(content=made.file.content[:place] + new + rest)
    try:
        found = writing_findings(file, made)
    except WheelError:
        return
    assert found or file == made.file
