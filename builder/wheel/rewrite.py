"""Rewrite a wheel: other content, another name, or both.

Members that do not change are copied in their compressed form, with their own timestamps and modes.
Changed members and RECORD are stored uncompressed, with one fixed timestamp. The order of members
stays, and RECORD comes last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from builder.errors import WheelError
from builder.wheel import record
from builder.wheel.serialize import CopiedMember, StoredMember, serialize_archive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.wheel.archive import Archive


class WheelRewrite(msgspec.Struct, frozen=True):
    """The changes to make to a wheel.

    Attributes:
        changes: path in the old wheel → new content; paths that it does not have are added.
        dist_info: the new name of the dist-info directory, or None to keep it.
    """

    changes: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    dist_info: str | None = None


def find_dist_info(wheel: Archive, label: str) -> str:
    """Find the one dist-info directory (PEP 427), such as `tensorboard-2.2.1.dist-info`.

    Raises:
        WheelError: there is none, or more than one.
    """
    found = {m.name.split("/", 1)[0] for m in wheel.members if ".dist-info/" in m.name}
    if len(found) != 1:
        raise WheelError(
            f"{label} has {len(found)} dist-info directories instead of one",
            "it is no wheel, or a broken one; fetch or build it again",
        )
    return found.pop()


def rewrite_wheel(wheel: Archive, rewriting: WheelRewrite, label: str) -> list[bytes | memoryview]:
    """Make the new wheel's file, in pieces; without changes it equals the old one byte for byte.

    Args:
        wheel: the wheel to start from.
        rewriting: the changes to make.
        label: the wheel's name in error messages.

    Raises:
        WheelError: it has no dist-info directory, or a RECORD that is missing or unreadable.
    """
    old = find_dist_info(wheel, label)
    new = rewriting.dist_info or old
    if not rewriting.changes and new == old:
        return serialize_archive(CopiedMember(m, m.name) for m in wheel.members)

    def rename(path: str) -> str:
        return f"{new}/{path.removeprefix(f'{old}/')}" if path.startswith(f"{old}/") else path

    changed = {rename(path): content for path, content in rewriting.changes.items()}
    present = {m.name for m in wheel.members}
    added = [path for path in rewriting.changes if path not in present]
    own_path = f"{old}/RECORD"
    entries: list[CopiedMember | StoredMember] = []
    for member in wheel.members:
        name = rename(member.name)
        if member.name == own_path:
            continue
        if name in changed:
            entries.append(StoredMember(name, changed[name], member.external_attr))
        else:
            entries.append(CopiedMember(member, name))
    entries += [StoredMember(rename(path), changed[rename(path)]) for path in added]
    own = wheel.find_member(own_path)
    if own is None:
        raise WheelError(f"{label} has no RECORD", "it is no wheel; fetch or build it again")
    try:
        listing = record.rewrite_record(own.read(), own_path, rename, changed, map(rename, added))
    except ValueError as error:
        raise WheelError(
            f"{label} has a RECORD that cannot be read: {error}", "fetch or build it again"
        ) from error
    entries.append(StoredMember(f"{new}/RECORD", listing, own.external_attr))
    return serialize_archive(entries)
