"""The wheel under check, with its contents hashed once and in bounded memory."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import WheelError
from builder.wheel import names

if TYPE_CHECKING:
    from builder.model import Delta
    from builder.wheel.archive import Archive, Member

# Upstream's largest wheel inflates to 29 MB; ten times that is a bomb, not a TensorBoard.
MAX_INFLATED = 512 * 1024 * 1024
# The metadata files of upstream's wheels are at most some 40 kB.
MAX_METADATA = 8 * 1024 * 1024


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
        release: the upstream version that the wheel was made from, or None if unknown.
    """

    filename: str
    archive: Archive
    stock: Archive | None = None
    delta: Delta | None = None
    release: str | None = None
    _digests: dict[int, Digest | Difficulty] = field(default_factory=dict, repr=False)

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
        return sorted(
            {m.name.split("/", 1)[0] for m in self.archive.members if ".dist-info/" in m.name}
        )

    @property
    def dist_info(self) -> str | None:
        """The dist-info directory to look into: the one of the file name, else the only one."""
        if self.name is not None and self.name.dist_info in self.dist_infos:
            return self.name.dist_info
        return self.dist_infos[0] if len(self.dist_infos) == 1 else None

    def metadata_file(self, filename: str) -> bytes | None:
        """A file of the dist-info directory, or None if it is missing, broken or absurdly large."""
        member = self.archive.find(f"{self.dist_info}/{filename}")
        return None if member is None else read_bounded(member)

    def digest(self, member: Member) -> Digest | Difficulty:
        """The member's content as a hash; inflated once, piece by piece."""
        found = self._digests.get(member.offset)
        if found is None:
            found = self._digests[member.offset] = self._hash(member)
        return found

    def stock_twin(self, member: Member) -> Member | None:
        """The stock wheel's member in this one's place, the dist-info directory's name aside."""
        if self.stock is None:
            return None
        twin = self.stock.find(member.name)
        if twin is not None or not member.name.startswith(f"{self.dist_info}/"):
            return twin
        rest = member.name.partition("/")[2]
        return next(
            (m for m in self.stock.members if m.name.partition(".dist-info/")[2] == rest), None
        )

    def same_as_stock(self, member: Member) -> bool:
        """Whether it is, as compressed bytes, what the stock wheel has in its place."""
        twin = self.stock_twin(member)
        return (
            twin is not None
            and twin.method == member.method
            and twin.crc == member.crc
            and twin.size == member.size
            and twin.data == member.data
        )

    def _hash(self, member: Member) -> Digest | Difficulty:
        if self.oversized:
            return Difficulty("not inflated: the wheel as a whole declares an absurd size")
        sha256 = hashlib.sha256()
        crc = 0
        try:
            for piece in member.chunks():
                sha256.update(piece)
                crc = zlib.crc32(piece, crc)
        except WheelError as error:
            return Difficulty(error.message.partition(": ")[2])
        return Digest(sha256.digest(), crc == member.crc)


def read_bounded(member: Member) -> bytes | None:
    """A small member's content, or None if it is too large or broken (Z109 and Z110 say so)."""
    if member.size > MAX_METADATA:
        return None
    try:
        return member.read()
    except WheelError:
        return None
