"""D checks: the wheel differs from the stock wheel only where an allow-list permits it.

Allowed are exactly the Delta's paths and its edits of METADATA, the headers that the identity sets,
the notice after the description, a build tag in WHEEL, RECORD, and the name of the dist-info
directory.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from builder.checks.table import DIFFERENCE_CODES
from builder.checks.wheel_under_check import (
    ReadError,
    make_unchecked_findings,
    read_small_member,
)
from builder.errors import PatchError
from builder.model import PACKAGE, Finding, Identity, IdentityKind
from builder.patching import identity
from builder.patching.requirements import edit_document
from builder.wheel import metadata
from builder.wheel.member import FLAG_UTF8, STORED
from builder.wheel.serialize import FIXED_DATE, FIXED_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.checks.wheel_under_check import WheelUnderCheck
    from builder.model import Delta, FileChange
    from builder.wheel.archive import Archive
    from builder.wheel.member import ZipMember

_TEST_HEADERS = {
    "Summary": identity.TEST_SUMMARY,
    "Author": identity.TEST_AUTHOR,
    "Author-email": identity.TEST_EMAIL,
}
# Files with checks of their own: D706, R301 to R306, and D707.
_REWRITTEN_FILES = ("METADATA", "RECORD", "WHEEL")
# The format fields of every `builder.wheel.serialize.StoredMember`: none of them varies.
_REWRITTEN_FORMAT = (STORED, FIXED_DATE, FIXED_TIME, 0, 20, 20, 0)


def check_difference(wheel: WheelUnderCheck) -> Iterator[Finding]:
    """Run all D checks on the wheel; codes that cannot be decided are reported as unchecked."""
    if wheel.stock is None or wheel.delta is None:
        missing = "the stock wheel" if wheel.stock is None else "what the patches make of it"
        yield from make_unchecked_findings(f"{missing} is not at hand", *DIFFERENCE_CODES)
        return
    changes = wheel.delta.changes
    yield from _check_presence(wheel, wheel.stock, changes)
    for member in wheel.archive.members:
        wanted = changes.get(member.name)
        if wanted is not None:
            yield from _check_changed_member(wheel, member, wanted.after)
        elif not _has_own_check(member):
            yield from _check_unchanged_member(wheel, member)
        yield from _check_attributes(wheel, member, may_change=member.name in changes)
    yield from _check_metadata_edits(wheel, wheel.delta)
    yield from _check_wheel_headers(wheel)


def _check_presence(
    wheel: WheelUnderCheck, stock: Archive, changes: Mapping[str, FileChange]
) -> Iterator[Finding]:
    kept: set[str] = set()
    for member in wheel.archive.members:
        stock_member = wheel.find_stock_member(member)
        if stock_member is not None:
            kept.add(stock_member.name)
        elif member.name not in changes:
            yield Finding("D702", member.name, "neither the stock wheel nor a patch has it")
    for name in dict.fromkeys([*(m.name for m in stock.members), *changes]):
        if name not in kept and wheel.archive.find_member(name) is None:
            yield Finding("D701", name, "it is not there")


def _has_own_check(member: ZipMember) -> bool:
    directory, _, filename = member.name.partition("/")
    return directory.endswith(".dist-info") and filename in _REWRITTEN_FILES


def _check_changed_member(
    wheel: WheelUnderCheck, member: ZipMember, wanted: bytes
) -> Iterator[Finding]:
    if member.size != len(wanted) or read_small_member(member) != wanted:
        same = wheel.is_same_as_stock(member)
        yield Finding(
            "D704", member.name, "the patch is not applied" if same else "it has other content"
        )


def _check_unchanged_member(wheel: WheelUnderCheck, member: ZipMember) -> Iterator[Finding]:
    stock_member = wheel.find_stock_member(member)
    if stock_member is not None and not _has_same_content(wheel, member, stock_member):
        yield Finding("D703", member.name, "its content is another than the stock wheel's")


def _has_same_content(wheel: WheelUnderCheck, member: ZipMember, stock_member: ZipMember) -> bool:
    if wheel.is_same_as_stock(member):
        return True
    digest, stock_digest = wheel.get_digest(member), wheel.get_stock_digest(stock_member)
    if isinstance(digest, ReadError) or isinstance(stock_digest, ReadError):
        return False
    return digest.sha256 == stock_digest.sha256


def _check_attributes(
    wheel: WheelUnderCheck, member: ZipMember, *, may_change: bool
) -> Iterator[Finding]:
    stock_member = wheel.find_stock_member(member)
    if stock_member is None:
        return
    if _get_mode_fields(member) != _get_mode_fields(stock_member):
        yield Finding("D705", member.name, "its mode is another than the stock wheel's")
    if may_change or _has_own_check(member):
        if _get_format_fields(member) == _REWRITTEN_FORMAT:
            return
    elif not _has_same_content(wheel, member, stock_member):
        return  # reported as D703
    if _get_format_fields(member) != _get_format_fields(stock_member):
        yield Finding("D705", member.name, "its timestamp or compression is not the stock wheel's")
    elif (
        not wheel.is_same_as_stock(member)
        and bytes(member.data) != bytes(stock_member.data)
        and _has_same_content(wheel, member, stock_member)
    ):
        yield Finding("D705", member.name, "it is compressed anew")


def _get_mode_fields(member: ZipMember) -> tuple[int, ...]:
    return member.create_system, member.external_attr, member.internal_attr


def _get_format_fields(member: ZipMember) -> tuple[int, ...]:
    versions = (member.create_version, member.extract_version, member.reserved)
    return member.method, member.date, member.time, member.flags & ~FLAG_UTF8, *versions


def _check_metadata_edits(wheel: WheelUnderCheck, delta: Delta) -> Iterator[Finding]:
    document, stock_document = _read_documents(wheel, "METADATA")
    if document is None or stock_document is None:
        yield from make_unchecked_findings("METADATA cannot be read", "D706")
        return
    try:
        stock_document = edit_document(stock_document, delta.metadata)
    except PatchError as error:  # the given stock wheel is not the one that the patches are for
        yield Finding("D706", "", error.message)
        return
    local = document.get_values("Name") == [PACKAGE]
    expected = {} if local else _TEST_HEADERS
    for name, wanted in expected.items():
        if document.get_values(name) != [wanted]:
            yield Finding("D706", name, f"a {IdentityKind.TEST} identity says {wanted!r}")
    for version in document.get_values("Version"):
        public, plus, _ = version.partition("+")
        if stock_document.get_values("Version") != [public] or bool(plus) != local:
            yield Finding(
                "D706", "Version", f"{version} is made from {stock_document.get_values('Version')}"
            )
    before, after = _group_headers(stock_document), _group_headers(document)
    for name in dict.fromkeys([*before, *after]):
        if name not in {n.lower() for n in ("Name", "Version", *expected)}:
            yield from _check_header_values(name, before.get(name, []), after.get(name, []))
    yield from _check_description(stock_document, document, delta)


def _group_headers(document: metadata.MetadataDocument) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for header in document.headers:
        grouped.setdefault(header.name.lower(), []).append(header.value)
    return grouped


def _check_description(
    theirs: metadata.MetadataDocument, ours: metadata.MetadataDocument, delta: Delta
) -> Iterator[Finding]:
    if not ours.description.startswith(theirs.description):
        yield Finding("D706", "Description", "it does not begin with the stock wheel's")
        return
    name, version, upstream = (
        next(iter(values), "")
        for values in (
            ours.get_values("Name"),
            ours.get_values("Version"),
            theirs.get_values("Version"),
        )
    )
    kind = IdentityKind.LOCAL if name == PACKAGE else IdentityKind.TEST
    notice = identity.make_notice(
        Identity(kind, name, version), upstream, delta.series, delta.commits
    )
    if ours.description != metadata.append_description(theirs, notice).description:
        yield Finding("D706", "Description", "it does not end with the notice of its patches")


def _check_header_values(name: str, before: list[str], after: list[str]) -> Iterator[Finding]:
    missing = list((Counter(before) - Counter(after)).elements())
    new = list((Counter(after) - Counter(before)).elements())
    yield from (Finding("D706", name, f"{value} is missing") for value in missing)
    yield from (Finding("D706", name, f"{value} is new") for value in new)
    if before != after and not missing and not new:
        yield Finding("D706", name, "its values stand in another order")


def _check_wheel_headers(wheel: WheelUnderCheck) -> Iterator[Finding]:
    document, stock_document = _read_documents(wheel, "WHEEL")
    if document is None or stock_document is None:
        yield from make_unchecked_findings("WHEEL cannot be read", "D707")
        return
    kept = document._replace(headers=tuple(h for h in document.headers if h.name != "Build"))
    if kept != stock_document:
        yield Finding("D707", "WHEEL", "it differs in more than the build tag")


def _read_documents(
    wheel: WheelUnderCheck, filename: str
) -> tuple[metadata.MetadataDocument | None, metadata.MetadataDocument | None]:
    stock_member = wheel.stock_metadata_files.get(filename)
    content = None if stock_member is None else read_small_member(stock_member)
    return wheel.read_document(filename), None if content is None else metadata.parse_metadata(
        content
    )
