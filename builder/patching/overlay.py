"""The overlay backend: patch a stock wheel with a delta, and rename it to make the final wheel.

Pure: bytes in, bytes out. The same arguments give the same bytes on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from builder.errors import WheelError
from builder.patching import delta as deltas
from builder.patching import identity as identities
from builder.patching.requirements import edit_document
from builder.wheel import archive, metadata, names
from builder.wheel.rewrite import WheelRewrite, find_dist_info, rewrite_wheel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.model import Delta, Identity, Release
    from builder.patching.delta import CodemodCache
    from builder.patching.series import Series
    from builder.wheel.archive import Archive


class Overlay(NamedTuple):
    """A final wheel and what it was made from.

    Attributes:
        filename: the final wheel's file name.
        pieces: the final wheel's bytes, in pieces.
        stock: the wheel that was patched: the stock wheel, or the one that Bazel built.
        delta: what the patches changed.
    """

    filename: str
    pieces: list[bytes | memoryview]
    stock: Archive
    delta: Delta

    @property
    def content(self) -> bytes:
        """The final wheel's bytes."""
        return b"".join(self.pieces)


def build_overlay(
    release: Release,
    stock_content: bytes,
    all_series: Sequence[Series],
    identity: Identity,
    codemod_cache: CodemodCache | None = None,
    before: Delta | None = None,
) -> Overlay:
    """Make the final wheel of a release.

    Args:
        release: the release to build.
        stock_content: its stock wheel, already verified; or the wheel that Bazel built.
        all_series: the series to apply, in order.
        identity: the identity of the final wheel.
        codemod_cache: the cache of codemod outcomes, or None to compute all of them.
        before: the patches that already went into the source of the wheel, or None.

    Raises:
        PatchError: a patch does not apply.
        WheelError: the stock wheel cannot be read.
    """
    stock_name = release.wheel.filename
    stock = archive.parse_archive(stock_content, stock_name)
    delta = deltas.make_delta(release, stock, all_series, codemod_cache)
    if before is not None:
        delta = deltas.combine_deltas(before, delta)
    filename, pieces = write_overlay(release, stock, delta, identity)
    return Overlay(filename, pieces, stock, delta)


def write_overlay(
    release: Release, stock: Archive, delta: Delta, identity: Identity
) -> tuple[str, list[bytes | memoryview]]:
    """Write the final wheel of a release from its stock wheel and what patches change in it.

    Returns:
        The final wheel's file name, and its bytes in pieces.

    Raises:
        PatchError: an edit of METADATA does not apply.
        RequestError: the identity's name is not a valid distribution name.
        WheelError: the stock wheel cannot be read.
        ValueError: the identity has control characters.
    """
    stock_name = release.wheel.filename
    dist_info = find_dist_info(stock, stock_name)
    changes = {path: change.after for path, change in delta.changes.items()}
    notice = identities.make_notice(identity, release.version, delta.series, delta.commits)
    document = metadata.parse_metadata(_read_member(stock, f"{dist_info}/METADATA", stock_name))
    edited = edit_document(document, delta.metadata)
    changes[f"{dist_info}/METADATA"] = identities.edit_metadata(edited, identity, notice).to_bytes()
    if identity.build_tag is not None:
        changes[f"{dist_info}/WHEEL"] = identities.edit_wheel_metadata(
            _read_member(stock, f"{dist_info}/WHEEL", stock_name), identity
        )
    name = identities.make_wheel_name(identity, names.parse_wheel_filename(stock_name).tag)
    pieces = rewrite_wheel(stock, WheelRewrite(changes, name.dist_info), stock_name)
    return name.filename, pieces


def _read_member(wheel: Archive, path: str, label: str) -> bytes:
    member = wheel.find_member(path)
    if member is None:
        raise WheelError(f"{label} has no {path}", "it is no wheel; fetch it again")
    return member.read()
