"""D: the difference from the stock wheel is an allow-list.

Allowed are exactly the Delta's paths and its edits of METADATA, the headers that the identity sets,
the notice behind the description, a build tag in WHEEL, RECORD, and the name of the dist-info
directory.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from builder.checks.subject import Difficulty, digest, read_bounded, unchecked
from builder.checks.table import DIFFERENCE_CODES
from builder.errors import PatchError
from builder.model import PACKAGE, Finding, Identity, IdentityKind
from builder.patching import identity
from builder.patching.requirements import edit_document
from builder.wheel import metadata
from builder.wheel.member import FLAG_UTF8, STORED
from builder.wheel.serialize import FIXED_DATE, FIXED_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.checks.subject import Subject
    from builder.model import Change, Delta
    from builder.wheel.archive import Archive
    from builder.wheel.member import Member

_TEST_HEADERS = {
    "Summary": identity.TEST_SUMMARY,
    "Author": identity.TEST_AUTHOR,
    "Author-email": identity.TEST_EMAIL,
}
# These have checks of their own.
_REWRITTEN = ("METADATA", "RECORD", "WHEEL")
# What `builder.wheel.serialize.Stored` becomes: every byte of it is decided.
_REWRITTEN_FORM = (STORED, FIXED_DATE, FIXED_TIME, 0, 20, 20, 0)


def check_difference(subject: Subject) -> Iterator[Finding]:
    """All D codes for the wheel; what cannot be decided is reported as unchecked."""
    if subject.stock is None or subject.delta is None:
        missing = "the stock wheel" if subject.stock is None else "what the patches make of it"
        yield from unchecked(f"{missing} is not at hand", *DIFFERENCE_CODES)
        return
    changes = subject.delta.changes
    yield from _presence(subject, subject.stock, changes)
    for member in subject.archive.members:
        wanted = changes.get(member.name)
        if wanted is not None:
            yield from _changed(subject, member, wanted.after)
        elif not _has_own_check(member):
            yield from _unchanged(subject, member)
        yield from _attributes(subject, member, may_change=member.name in changes)
    yield from _metadata(subject, subject.delta)
    yield from _wheel_file(subject)


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
    if twin is not None and not _same_content(subject, member, twin):
        yield Finding("D703", member.name, "its content is another than the stock wheel's")


def _same_content(subject: Subject, member: Member, twin: Member) -> bool:
    if subject.same_as_stock(member):
        return True
    ours, theirs = subject.digest(member), digest(twin)
    if isinstance(ours, Difficulty) or isinstance(theirs, Difficulty):
        return False
    return ours.sha256 == theirs.sha256


def _attributes(subject: Subject, member: Member, *, may_change: bool) -> Iterator[Finding]:
    twin = subject.stock_twin(member)
    if twin is None:
        return
    if _mode(member) != _mode(twin):
        yield Finding("D705", member.name, "its mode is another than the stock wheel's")
    if may_change or _has_own_check(member):
        if _form(member) == _REWRITTEN_FORM:
            return
    elif not _same_content(subject, member, twin):
        return  # D703 says so
    if _form(member) != _form(twin):
        yield Finding("D705", member.name, "its timestamp or compression is not the stock wheel's")
    elif member.data != twin.data and _same_content(subject, member, twin):
        yield Finding("D705", member.name, "it is compressed anew")


def _mode(member: Member) -> tuple[int, ...]:
    return member.create_system, member.external_attr, member.internal_attr


def _form(member: Member) -> tuple[int, ...]:
    versions = (member.create_version, member.extract_version, member.reserved)
    return member.method, member.date, member.time, member.flags & ~FLAG_UTF8, *versions


def _metadata(subject: Subject, delta: Delta) -> Iterator[Finding]:
    ours, theirs = _documents(subject, "METADATA")
    if ours is None or theirs is None:
        yield from unchecked("METADATA cannot be read", "D706")
        return
    try:
        theirs = edit_document(theirs, delta.metadata)
    except PatchError as error:  # the stock wheel at hand is not the one that the patches are for
        yield Finding("D706", "", error.message)
        return
    local = ours.values("Name") == [PACKAGE]
    expected = {} if local else _TEST_HEADERS
    for name, wanted in expected.items():
        if ours.values(name) != [wanted]:
            yield Finding("D706", name, f"a {IdentityKind.TEST} identity says {wanted!r}")
    for version in ours.values("Version"):
        public, plus, _ = version.partition("+")
        if theirs.values("Version") != [public] or bool(plus) != local:
            yield Finding("D706", "Version", f"{version} is made from {theirs.values('Version')}")
    before, after = _grouped(theirs), _grouped(ours)
    for name in dict.fromkeys([*before, *after]):
        if name not in {n.lower() for n in ("Name", "Version", *expected)}:
            yield from _header(name, before.get(name, []), after.get(name, []))
    yield from _description(theirs, ours, delta)


def _grouped(document: metadata.Document) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for header in document.headers:
        grouped.setdefault(header.name.lower(), []).append(header.value)
    return grouped


def _description(
    theirs: metadata.Document, ours: metadata.Document, delta: Delta
) -> Iterator[Finding]:
    if not ours.description.startswith(theirs.description):
        yield Finding("D706", "Description", "it does not begin with the stock wheel's")
        return
    name, version, upstream = (
        next(iter(values), "")
        for values in (ours.values("Name"), ours.values("Version"), theirs.values("Version"))
    )
    kind = IdentityKind.LOCAL if name == PACKAGE else IdentityKind.TEST
    notice = identity.notice(Identity(kind, name, version), upstream, delta.series, delta.commits)
    if ours.description != metadata.append(theirs, notice).description:
        yield Finding("D706", "Description", "it does not end with the notice of its patches")


def _header(name: str, before: list[str], after: list[str]) -> Iterator[Finding]:
    missing = list((Counter(before) - Counter(after)).elements())
    new = list((Counter(after) - Counter(before)).elements())
    yield from (Finding("D706", name, f"{value} is missing") for value in missing)
    yield from (Finding("D706", name, f"{value} is new") for value in new)
    if before != after and not missing and not new:
        yield Finding("D706", name, "its values stand in another order")


def _wheel_file(subject: Subject) -> Iterator[Finding]:
    ours, theirs = _documents(subject, "WHEEL")
    if ours is None or theirs is None:
        yield from unchecked("WHEEL cannot be read", "D707")
        return
    kept = ours._replace(headers=tuple(h for h in ours.headers if h.name != "Build"))
    if kept != theirs:
        yield Finding("D707", "WHEEL", "it differs in more than the build tag")


def _documents(
    subject: Subject, filename: str
) -> tuple[metadata.Document | None, metadata.Document | None]:
    twin = subject.stock_metadata_files.get(filename)
    theirs = None if twin is None else read_bounded(twin)
    return subject.document(filename), None if theirs is None else metadata.parse(theirs)
