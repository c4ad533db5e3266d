"""Compare two wheels of one release member by member, and explain known differences.

Each member is identical, explained by one of the rules below, or different. A rule explains only
what it can prove by both contents. Pure.
"""

from __future__ import annotations

import csv
import io
import stat
import zipfile
from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from packaging.requirements import InvalidRequirement, Requirement

from builder.wheel import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from builder.wheel.archive import Archive
    from builder.wheel.member import ZipMember


class MemberDifference(NamedTuple):
    """A member that differs, and the reason."""

    path: str
    why: str


class WheelComparison(msgspec.Struct, frozen=True):
    """The outcome of a comparison of two wheels.

    Attributes:
        identical: how many members are the same, including how they are packed.
        explained: members that differ for a known and proved reason.
        different: members that differ otherwise.
    """

    identical: int
    explained: tuple[MemberDifference, ...]
    different: tuple[MemberDifference, ...]

    @property
    def reasons(self) -> dict[str, int]:
        """Reason → how many members it explains."""
        return dict(Counter(difference.why for difference in self.explained))


class EquivalenceRule(NamedTuple):
    """A rule: explains members whose path matches `pattern` and whose contents `proves` accepts.

    `proves` also gets the paths that are explained so far, as RECORD lists the hashes of these.
    """

    pattern: str
    reason: str
    proves: Callable[[bytes, bytes, Collection[str]], bool]


def _has_same_files(one: bytes, other: bytes, explained: Collection[str]) -> bool:
    del explained
    try:
        return _read_zip_contents(one) == _read_zip_contents(other)
    except (zipfile.BadZipFile, NotImplementedError, EOFError):
        return False


def _read_zip_contents(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        names = packed.namelist()
        if len(set(names)) != len(names):
            raise zipfile.BadZipFile("a name stands twice")
        return {name: packed.read(name) for name in names}


def _has_same_wheel_headers(one: bytes, other: bytes, explained: Collection[str]) -> bool:
    del explained
    return _count_headers(one, frozenset({"generator"})) == _count_headers(
        other, frozenset({"generator"})
    )


# Whether setuptools writes these depends on its version.
_SETUPTOOLS_HEADERS = frozenset({"metadata-version", "license-file", "dynamic", "provides-extra"})


def _has_same_metadata(one: bytes, other: bytes, explained: Collection[str]) -> bool:
    del explained
    texts = [metadata.parse_metadata(content).description.strip() for content in (one, other)]
    return texts[0] == texts[1] and _count_headers(one, _SETUPTOOLS_HEADERS) == _count_headers(
        other, _SETUPTOOLS_HEADERS
    )


def _count_headers(content: bytes, without: Collection[str]) -> Counter[tuple[str, str]]:
    found = ((h.name.lower(), h.value) for h in metadata.parse_metadata(content).headers)
    return Counter((n, _normalize_header(n, v)) for n, v in found if n not in without)


def _normalize_header(name: str, value: str) -> str:
    """Normalize the spelling of requirements: `absl-py (>=0.4)` becomes `absl-py>=0.4`."""
    if name == "requires-dist":
        try:
            return str(Requirement(value))
        except InvalidRequirement:
            return value
    return value


def _has_same_records(one: bytes, other: bytes, explained: Collection[str]) -> bool:
    """Whether two RECORDs differ only in the rows of members that are explained."""
    rows = []
    for content in (one, other):
        table = csv.reader(io.StringIO(content.decode("utf-8", "replace"), newline=""))
        rows.append({tuple(row) if row[0] not in explained else row[0] for row in table if row})
    return rows[0] == rows[1]


RULES = (
    EquivalenceRule(
        "*.zip", "a zip file that holds the same files, packed at another time", _has_same_files
    ),
    EquivalenceRule(
        "*.dist-info/WHEEL",
        "Generator names the program that wrote the wheel",
        _has_same_wheel_headers,
    ),
    EquivalenceRule(
        "*.dist-info/METADATA",
        "headers that setuptools writes by its version, or other spellings of the same requirement",
        _has_same_metadata,
    ),
)
RECORD_RULE = EquivalenceRule(
    "*.dist-info/RECORD", "RECORD has the hashes of members that are explained", _has_same_records
)
PERMISSIONS_REASON = (
    "the same content; permissions come from Bazel's output tree and the builder's umask"
)
PACKING_REASON = "the same content, packed at another time or by another program"


def compare_wheels(one: Archive, other: Archive) -> WheelComparison:
    """Compare two wheels that should be the same.

    Raises:
        WheelError: a member cannot be inflated.
    """
    paths = {m.name for m in one.members} | {m.name for m in other.members}
    explained: dict[str, str] = {}
    different: list[MemberDifference] = []
    # RECORD comes last, as its rule needs to know which other members are explained.
    for path in sorted(paths, key=lambda p: (fnmatchcase(p, RECORD_RULE.pattern), p)):
        outcome = _compare_members(path, one.find_member(path), other.find_member(path), explained)
        if outcome is None:
            continue
        is_explained, why = outcome
        if is_explained:
            explained[path] = why
        else:
            different.append(MemberDifference(path, why))
    return WheelComparison(
        identical=len(paths) - len(explained) - len(different),
        explained=tuple(MemberDifference(path, why) for path, why in sorted(explained.items())),
        different=tuple(different),
    )


def to_json(comparison: WheelComparison) -> dict[str, Any]:
    """Convert a comparison to JSON values, for the statement."""
    return {
        "identical": comparison.identical,
        "explained": [difference._asdict() for difference in comparison.explained],
        "different": [difference._asdict() for difference in comparison.different],
    }


def _compare_members(
    path: str, one: ZipMember | None, other: ZipMember | None, explained: Collection[str]
) -> tuple[bool, str] | None:
    """Return None if identical, else whether the difference is explained, and the reason."""
    if one is None or other is None:
        return False, f"only the {'second' if one is None else 'first'} wheel has it"
    content, other_content = one.read(), other.read()
    if content != other_content:
        for rule in (*RULES, RECORD_RULE):
            if fnmatchcase(path, rule.pattern) and rule.proves(content, other_content, explained):
                return True, rule.reason
        return False, f"its content differs ({len(content):,} and {len(other_content):,} bytes)"
    if _read_file_type(one) != _read_file_type(other):
        return False, "the one is a regular file, the other is not"
    if one.external_attr != other.external_attr:
        # Permissions matter only for programs.
        return not content.startswith(b"#!"), PERMISSIONS_REASON
    return None if _describe_packing(one) == _describe_packing(other) else (True, PACKING_REASON)


def _read_file_type(member: ZipMember) -> int:
    return stat.S_IFMT(member.external_attr >> 16) or stat.S_IFREG


def _describe_packing(member: ZipMember) -> tuple[object, ...]:
    return member.method, member.date, member.time, bytes(member.data)
