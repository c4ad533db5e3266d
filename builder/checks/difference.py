"""D: the difference from the stock wheel is an allow-list.

Allowed are exactly the Delta's paths, the headers of METADATA that the identity sets, a build tag
in WHEEL, RECORD, and the name of the dist-info directory.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from builder import identity
from builder.checks.subject import read_bounded
from builder.checks.table import DIFFERENCE_CODES
from builder.model import PACKAGE, Finding, IdentityKind, Standing
from builder.wheel import metadata
from builder.wheel.archive import FIXED_DATE, FIXED_TIME, STORED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.checks.subject import Subject
    from builder.model import Change
    from builder.wheel.archive import Archive, Member

_TEST_HEADERS = {
    "Summary": identity.TEST_SUMMARY,
    "Author": identity.TEST_AUTHOR,
    "Author-email": identity.TEST_EMAIL,
}
# These have checks of their own.
_REWRITTEN = ("METADATA", "RECORD", "WHEEL")


def check_difference(subject: Subject) -> Iterator[Finding]:
    """All D codes for the wheel; what cannot be decided is reported as unchecked."""
    if subject.stock is None or subject.delta is None:
        missing = "the stock wheel" if subject.stock is None else "what the patches make of it"
        for code in DIFFERENCE_CODES:
            yield Finding(code, "", f"{missing} is not at hand", Standing.UNCHECKED)
        return
    changes = subject.delta.changes
    yield from _presence(subject, subject.stock, changes)
    for member in subject.archive.members:
        wanted = changes.get(member.name)
        if wanted is not None:
            yield from _changed(subject, member, wanted.after)
        elif not _has_own_check(member):
            yield from _unchanged(subject, member)
        yield from _attributes(subject, member)
    yield from _metadata(subject, subject.stock)
    yield from _wheel_file(subject, subject.stock)


def _presence(subject: Subject, stock: Archive, changes: Mapping[str, Change]) -> Iterator[Finding]:
    kept: set[str] = set()
    for member in subject.archive.members:
        twin = subject.stock_twin(member)
        if twin is not None:
            kept.add(twin.name)
        elif member.name not in changes:
            yield Finding("D702", member.name, "neither the stock wheel nor a patch has it")
    for name in dict.fromkeys([*(m.name for m in stock.members), *changes]):
        if name not in kept and subject.archive.find(name) is None:
            yield Finding("D701", name, "it is not there")


def _has_own_check(member: Member) -> bool:
    directory, _, filename = member.name.partition("/")
    return directory.endswith(".dist-info") and filename in _REWRITTEN


def _changed(subject: Subject, member: Member, wanted: bytes) -> Iterator[Finding]:
    if member.size != len(wanted) or read_bounded(member) != wanted:
        same = subject.same_as_stock(member)
        yield Finding(
            "D704", member.name, "the patch is not applied" if same else "it has other content"
        )


def _unchanged(subject: Subject, member: Member) -> Iterator[Finding]:
    twin = subject.stock_twin(member)
    if twin is None or subject.same_as_stock(member):
        return
    if subject.digest(member) != subject.digest(twin):
        yield Finding("D703", member.name, "its content is another than the stock wheel's")


def _attributes(subject: Subject, member: Member) -> Iterator[Finding]:
    twin = subject.stock_twin(member)
    if twin is None:
        return
    if (member.external_attr, member.create_system) != (twin.external_attr, twin.create_system):
        yield Finding("D705", member.name, "its mode is another than the stock wheel's")
    rewritten = (member.method, member.date, member.time) == (STORED, FIXED_DATE, FIXED_TIME)
    if not rewritten and (member.method, member.date, member.time) != (
        twin.method,
        twin.date,
        twin.time,
    ):
        yield Finding("D705", member.name, "its timestamp or compression is not the stock wheel's")


def _metadata(subject: Subject, stock: Archive) -> Iterator[Finding]:
    ours, theirs = _documents(subject, stock, "METADATA")
    if ours is None or theirs is None:
        return  # M401 and D701 say so
    local = ours.values("Name") == [PACKAGE]
    expected = {} if local else _TEST_HEADERS
    for name, wanted in expected.items():
        if ours.values(name) != [wanted]:
            yield Finding("D706", name, f"a {IdentityKind.TEST} identity says {wanted!r}")
    for version in ours.values("Version"):
        public, plus, _ = version.partition("+")
        if theirs.values("Version") != [public] or bool(plus) != local:
            yield Finding("D706", "Version", f"{version} is made from {theirs.values('Version')}")
    allowed = {"Name", "Version", *expected}
    for name in dict.fromkeys(h.name for h in (*theirs.headers, *ours.headers)):
        if name not in allowed:
            yield from _header(name, theirs.values(name), ours.values(name))
    if not ours.description.startswith(theirs.description):
        yield Finding("D706", "Description", "it does not begin with the stock wheel's")


def _header(name: str, before: list[str], after: list[str]) -> Iterator[Finding]:
    missing = list((Counter(before) - Counter(after)).elements())
    new = list((Counter(after) - Counter(before)).elements())
    yield from (Finding("D706", name, f"{value} is missing") for value in missing)
    yield from (Finding("D706", name, f"{value} is new") for value in new)
    if before != after and not missing and not new:
        yield Finding("D706", name, "its values stand in another order")


def _wheel_file(subject: Subject, stock: Archive) -> Iterator[Finding]:
    ours, theirs = _documents(subject, stock, "WHEEL")
    if ours is None or theirs is None:
        return
    kept = ours._replace(headers=tuple(h for h in ours.headers if h.name != "Build"))
    if kept != theirs:
        yield Finding("D707", "WHEEL", "it differs in more than the build tag")


def _documents(
    subject: Subject, stock: Archive, filename: str
) -> tuple[metadata.Document | None, metadata.Document | None]:
    ours = subject.metadata_file(filename)
    member = next((m for m in stock.members if m.name.endswith(f".dist-info/{filename}")), None)
    theirs = None if member is None else read_bounded(member)
    return (
        None if ours is None else metadata.parse(ours),
        None if theirs is None else metadata.parse(theirs),
    )
