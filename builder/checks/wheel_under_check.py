"""The wheel under check; its contents are hashed once, in bounded memory."""

from __future__ import annotations

import hashlib
import zlib
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from builder.errors import WheelError
from builder.model import Finding, FindingStatus
from builder.wheel import metadata, names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.model import Delta
    from builder.wheel.archive import Archive
    from builder.wheel.member import ZipMember

# Bytes. Upstream's largest wheel inflates to 29 MB; one that declares far more is a zip bomb.
MAX_INFLATED = 512 * 1024 * 1024
# Bytes. Upstream's largest metadata file has 40 kB, its largest module 119 kB. Larger files are not
# read as text or parsed: parsers take many times the memory of what they parse.
MAX_TEXT = 1024 * 1024
TOO_BIG = f"is bigger than the {MAX_TEXT} bytes that this tool reads"


class MemberDigest(NamedTuple):
    """The raw sha256 of a member's inflated content, and whether its CRC-32 is as declared."""

    sha256: bytes
    crc_ok: bool


class ReadError(NamedTuple):
    """Why a member's content could not be read."""

    reason: str


class WheelUnderCheck(msgspec.Struct, frozen=True, dict=True):  # dict: for cached_property
    """A wheel, and what it is compared with.

    Attributes:
        filename: the wheel's file name.
        archive: its members.
        stock: the stock wheel, or None if it is not available.
        delta: what the patches should have made of the stock wheel, or None if that is unknown.
    """

    filename: str
    archive: Archive
    stock: Archive | None = None
    delta: Delta | None = None

    @cached_property
    def _digests(self) -> dict[tuple[int, ...], MemberDigest | ReadError]:
        return {}

    @cached_property
    def _stock_digests(self) -> dict[tuple[int, ...], MemberDigest | ReadError]:
        return {}

    @cached_property
    def _documents(self) -> dict[str, metadata.MetadataDocument | None]:
        return {}

    @cached_property
    def _same_as_stock(self) -> dict[tuple[str, tuple[int, ...]], bool]:
        return {}

    @cached_property
    def is_oversized(self) -> bool:
        """Whether the members together declare more than `MAX_INFLATED` bytes."""
        return sum(m.size for m in self.archive.members) > MAX_INFLATED

    @cached_property
    def wheel_name(self) -> names.WheelName | None:
        """The parts of the file name, or None if it is not named like a wheel."""
        try:
            return names.parse_wheel_filename(self.filename)
        except WheelError:
            return None

    @cached_property
    def dist_infos(self) -> list[str]:
        """The dist-info directories in the wheel, sorted."""
        tops = {m.name.partition("/")[0] for m in self.archive.members if "/" in m.name}
        return sorted(top for top in tops if top.endswith(".dist-info"))

    @cached_property
    def dist_info(self) -> str | None:
        """The dist-info directory to read: the one that the file name gives, else the only one."""
        if self.wheel_name is not None and self.wheel_name.dist_info in self.dist_infos:
            return self.wheel_name.dist_info
        return self.dist_infos[0] if len(self.dist_infos) == 1 else None

    def read_metadata_file(self, filename: str) -> bytes | None:
        """Read a file of the dist-info directory; None if missing, broken or above `MAX_TEXT`."""
        if self.dist_info is None:
            return None
        member = self.archive.find_member(f"{self.dist_info}/{filename}")
        return None if member is None else read_small_member(member)

    def explain_unread_file(self, filename: str) -> str:
        """Say why `read_metadata_file` gives None: `METADATA is missing`, and the like."""
        member = self.archive.find_member(f"{self.dist_info}/{filename}")
        if member is None:
            return f"{filename} is missing"
        return f"{filename} {TOO_BIG if member.size > MAX_TEXT else 'cannot be read'}"

    def read_document(self, filename: str) -> metadata.MetadataDocument | None:
        """Read and parse a file of the dist-info directory; None as for `read_metadata_file`.

        Each file is parsed once, as many checks read METADATA and WHEEL.
        """
        if filename not in self._documents:
            content = self.read_metadata_file(filename)
            self._documents[filename] = (
                None if content is None else metadata.parse_metadata(content)
            )
        return self._documents[filename]

    def get_digest(self, member: ZipMember) -> MemberDigest | ReadError:
        """Hash the content of a member of this wheel; it is inflated once, piece by piece."""
        key = _make_content_key(member)
        found = self._digests.get(key)
        if found is None:
            not_inflated = ReadError("not inflated: the wheel as a whole declares an absurd size")
            found = self._digests[key] = not_inflated if self.is_oversized else hash_member(member)
        return found

    def get_stock_digest(self, stock_member: ZipMember) -> MemberDigest | ReadError:
        """Hash the content of a member of the stock wheel, once for all members of its name."""
        key = _make_content_key(stock_member)
        found = self._stock_digests.get(key)
        if found is None:
            found = self._stock_digests[key] = hash_member(stock_member)
        return found

    def find_stock_member(self, member: ZipMember) -> ZipMember | None:
        """Find the stock wheel's member of that path; dist-info directories may differ in name."""
        if self.stock is None:
            return None
        stock_member = self.stock.find_member(member.name)
        if stock_member is not None or not member.name.startswith(f"{self.dist_info}/"):
            return stock_member
        return self.stock_metadata_files.get(member.name.partition("/")[2])

    @cached_property
    def stock_metadata_files(self) -> dict[str, ZipMember]:
        """The files of the stock wheel's dist-info directory, by their paths in it."""
        found: dict[str, ZipMember] = {}
        for member in () if self.stock is None else self.stock.members:
            directory, _, rest = member.name.partition("/")
            if directory.endswith(".dist-info"):
                found[rest] = member
        return found

    def is_same_as_stock(self, member: ZipMember) -> bool:
        """Whether a member has the compressed bytes of the stock wheel's member of that path."""
        key = (member.name, _make_content_key(member))
        found = self._same_as_stock.get(key)
        if found is None:
            stock_member = self.find_stock_member(member)
            found = self._same_as_stock[key] = stock_member is not None and _has_equal_data(
                member, stock_member
            )
        return found

    def is_same_as_patched(self, member: ZipMember) -> bool:
        """Whether a member has the content that a patch makes of the stock wheel's member."""
        change = None if self.delta is None else self.delta.changes.get(member.name)
        found = self.get_digest(member) if change is not None else None
        return (
            change is not None
            and isinstance(found, MemberDigest)
            and found.sha256 == hashlib.sha256(change.after).digest()
        )


def _make_content_key(member: ZipMember) -> tuple[int, ...]:
    """Make a key of everything that a member's content depends on.

    Entries of a hostile central directory can share an offset and still differ in how they read it.
    """
    return member.offset, member.method, member.compressed_size, member.size, member.crc


def _has_equal_data(one: ZipMember, other: ZipMember) -> bool:
    return (
        (one.method, one.crc, one.size, len(one.data))
        == (other.method, other.crc, other.size, len(other.data))
        # Python compares memoryviews item by item, but bytes all at once.
        and bytes(one.data) == bytes(other.data)
    )


def hash_member(member: ZipMember) -> MemberDigest | ReadError:
    """Inflate and hash a member, piece by piece; a `ReadError` if it cannot be inflated."""
    sha256 = hashlib.sha256()
    crc = 0
    try:
        for piece in member.read_chunks():
            sha256.update(piece)
            crc = zlib.crc32(piece, crc)
    except WheelError as error:
        return ReadError(error.message.removeprefix(f"{member.name}: "))
    return MemberDigest(sha256.digest(), crc == member.crc)


def read_small_member(member: ZipMember) -> bytes | None:
    """Read a small member; None if it is above `MAX_TEXT` or broken (Z109 and Z110 report it)."""
    if member.size > MAX_TEXT:
        return None
    try:
        return member.read()
    except WheelError:
        return None


def make_unchecked_findings(why: str, *codes: str) -> Iterator[Finding]:
    """Report codes that could not be decided, so that they do not count as passed."""
    for code in codes:
        yield Finding(code, "", why, FindingStatus.UNCHECKED)
