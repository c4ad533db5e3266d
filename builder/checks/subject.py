"""The wheel under check, with its contents hashed once and in bounded memory."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import WheelError
from builder.model import Finding, Standing
from builder.wheel import metadata, names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.model import Delta
    from builder.wheel.archive import Archive
    from builder.wheel.member import Member

# Upstream's largest wheel inflates to 29 MB; what is far beyond is a bomb, not a TensorBoard.
MAX_INFLATED = 512 * 1024 * 1024
# Upstream's largest metadata file has 40 kB, its largest module 119 kB. What is read as a text or
# parsed stays below this: parsers take many times the memory of what they parse.
MAX_TEXT = 1024 * 1024


class Digest(NamedTuple):
    """What a member inflates to: raw sha256, and whether its CRC-32 is as declared."""

    sha256: bytes
    crc_ok: bool


class Difficulty(NamedTuple):
    """Why a member's content could not be had."""

    reason: str


@dataclass(frozen=True)
class Subject:
    """A wheel, and what it is compared with.

    Attributes:
        filename: the wheel's file name.
        archive: its members.
        stock: the stock wheel, or None if it is not at hand.
        delta: what the patches should have made of the stock wheel, or None if that is unknown.
    """

    filename: str
    archive: Archive
    stock: Archive | None = None
    delta: Delta | None = None
    _digests: dict[tuple[int, ...], Digest | Difficulty] = field(default_factory=dict, repr=False)
    _documents: dict[str, metadata.Document | None] = field(default_factory=dict, repr=False)
    _same: dict[tuple[str, tuple[int, ...]], bool] = field(default_factory=dict, repr=False)

    @cached_property
    def oversized(self) -> bool:
        """Whether the members declare to inflate to more than any TensorBoard would."""
        return sum(m.size for m in self.archive.members) > MAX_INFLATED

    @cached_property
    def name(self) -> names.WheelName | None:
        """The parts of the file name, or None if it is not named like a wheel."""
        try:
            return names.parse_filename(self.filename)
        except WheelError:
            return None

    @cached_property
    def dist_infos(self) -> list[str]:
        """The dist-info directories in the wheel, sorted."""
        tops = {m.name.partition("/")[0] for m in self.archive.members if "/" in m.name}
        return sorted(top for top in tops if top.endswith(".dist-info"))

    @cached_property
    def dist_info(self) -> str | None:
        """The dist-info directory to look into: the one of the file name, else the only one."""
        if self.name is not None and self.name.dist_info in self.dist_infos:
            return self.name.dist_info
        return self.dist_infos[0] if len(self.dist_infos) == 1 else None

    def metadata_file(self, filename: str) -> bytes | None:
        """A file of the dist-info directory, or None if it is missing, broken or absurdly large."""
        if self.dist_info is None:
            return None
        member = self.archive.find(f"{self.dist_info}/{filename}")
        return None if member is None else read_bounded(member)

    def document(self, filename: str) -> metadata.Document | None:
        """The same, taken apart; METADATA and WHEEL are asked for by many checks."""
        if filename not in self._documents:
            content = self.metadata_file(filename)
            self._documents[filename] = None if content is None else metadata.parse(content)
        return self._documents[filename]

    def digest(self, member: Member) -> Digest | Difficulty:
        """The content of a member of this wheel as a hash; inflated once, piece by piece."""
        key = _reading(member)
        found = self._digests.get(key)
        if found is None:
            absurd = Difficulty("not inflated: the wheel as a whole declares an absurd size")
            found = self._digests[key] = absurd if self.oversized else digest(member)
        return found

    def stock_twin(self, member: Member) -> Member | None:
        """The stock wheel's member in this one's place, the dist-info directory's name aside."""
        if self.stock is None:
            return None
        twin = self.stock.find(member.name)
        if twin is not None or not member.name.startswith(f"{self.dist_info}/"):
            return twin
        return self.stock_metadata_files.get(member.name.partition("/")[2])

    @cached_property
    def stock_metadata_files(self) -> dict[str, Member]:
        """The files of the stock wheel's dist-info directory, by their names in it."""
        found: dict[str, Member] = {}
        for member in () if self.stock is None else self.stock.members:
            directory, _, rest = member.name.partition("/")
            if directory.endswith(".dist-info"):
                found[rest] = member
        return found

    def same_as_stock(self, member: Member) -> bool:
        """Whether it is, as compressed bytes, what the stock wheel has in its place."""
        key = (member.name, _reading(member))
        found = self._same.get(key)
        if found is None:
            twin = self.stock_twin(member)
            found = self._same[key] = twin is not None and _equal(member, twin)
        return found

    def same_as_patched(self, member: Member) -> bool:
        """Whether it is what a patch makes of the stock wheel's."""
        change = None if self.delta is None else self.delta.changes.get(member.name)
        found = self.digest(member) if change is not None else None
        return (
            change is not None
            and isinstance(found, Digest)
            and found.sha256 == hashlib.sha256(change.after).digest()
        )


def _reading(member: Member) -> tuple[int, ...]:
    """What a member's content depends on.

    Entries of a hostile directory can share a place and still differ in how they read it.
    """
    return member.offset, member.method, member.compressed_size, member.size, member.crc


def _equal(one: Member, other: Member) -> bool:
    return (
        (one.method, one.crc, one.size) == (other.method, other.crc, other.size)
        # Memory views are compared item by item, copies of them in one go.
        and bytes(one.data) == bytes(other.data)
    )


def digest(member: Member) -> Digest | Difficulty:
    """Inflate and hash a member, piece by piece."""
    sha256 = hashlib.sha256()
    crc = 0
    try:
        for piece in member.chunks():
            sha256.update(piece)
            crc = zlib.crc32(piece, crc)
    except WheelError as error:
        return Difficulty(error.message.removeprefix(f"{member.name}: "))
    return Digest(sha256.digest(), crc == member.crc)


def read_bounded(member: Member) -> bytes | None:
    """A small member's content, or None if it is too large or broken (Z109 and Z110 say so)."""
    if member.size > MAX_TEXT:
        return None
    try:
        return member.read()
    except WheelError:
        return None


def unchecked(why: str, *codes: str) -> Iterator[Finding]:
    """What could not be decided is said, so that nobody takes it for passed."""
    for code in codes:
        yield Finding(code, "", why, Standing.UNCHECKED)
