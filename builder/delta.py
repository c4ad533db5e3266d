"""Deltas: what series make of one stock wheel, and whether that is sound.

An overlay is sound when every changed path is a member of the stock wheel that equals what the
patch was made against: its git blob, or the wheel that the catalog pins. Anything else is an error
that names the path, never a guess.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from builder import diff
from builder.errors import PatchError
from builder.model import AppliedPatch, Change, Delta, Release

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.series import Patch, Series
    from builder.wheel.archive import Archive


def git_blob(content: bytes) -> str:
    """The id that git gives this content: sha1 over `blob`, the size, a NUL, and the bytes."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def make_delta(release: Release, stock: Archive, all_series: Iterable[Series]) -> Delta:
    """Apply the series, in their order, to the members of the stock wheel.

    Args:
        release: whose stock wheel it is.
        stock: the stock wheel; its bytes must have been verified against the release's sha256.
        all_series: each patch works on the outcome of those before it.

    Raises:
        PatchError: a member is missing, is not what the patch was made against, or a hunk does
            not apply. Nothing is ever forced.
    """
    work = _Work(release, stock)
    applied: list[AppliedPatch] = []
    native: list[str] = []
    idle: list[str] = []
    for series in all_series:
        patches = series.serving(release.version)
        for patch in patches:
            work.apply(series, patch)
            applied.append(AppliedPatch(series.name, patch.file, patch.sha256, tuple(patch.hunks)))
        if not patches:
            (native if series.is_native(release.version) else idle).append(series.name)
    return Delta(work.changes(), tuple(applied), tuple(native), tuple(idle))


class _Work:
    """The members that patches have touched so far: as they were and as they are."""

    def __init__(self, release: Release, stock: Archive) -> None:
        self._release = release
        self._stock = stock
        self._before: dict[str, bytes] = {}
        self._now: dict[str, bytes] = {}

    def apply(self, series: Series, patch: Patch) -> None:
        for path, hunks in patch.hunks.items():
            self._read(series, patch, path)
            self._check_pin(series, patch, path)
            try:
                self._now[path] = diff.apply(self._now[path], hunks)
            except diff.DiffError as error:
                raise self._error(series, patch, f"{path}: {error}") from error

    def changes(self) -> dict[str, Change]:
        return {
            path: Change(hashlib.sha256(self._before[path]).hexdigest(), after)
            for path, after in self._now.items()
            if after != self._before[path]
        }

    def _read(self, series: Series, patch: Patch, path: str) -> None:
        if path in self._before:
            return
        member = self._stock.find(path)
        if member is None:
            raise self._error(series, patch, f"the stock wheel has no {path}")
        self._before[path] = self._now[path] = member.read()

    def _check_pin(self, series: Series, patch: Patch, path: str) -> None:
        if patch.against == "git":
            blob = git_blob(self._before[path])
            if blob not in patch.blobs[path]:
                raise self._error(
                    series,
                    patch,
                    f"{path} in the stock wheel is git blob {blob}, which it was not made against",
                )
        elif not self._release.pinned:
            raise self._error(
                series, patch, f"{path}: it was made against the wheels that the catalog pins"
            )

    def _error(self, series: Series, patch: Patch, why: str) -> PatchError:
        return PatchError(
            f"{series.name}/{patch.file} does not apply to {self._release.version}: {why}",
            f"leave the series out (--series), or make a patch for {self._release.version}",
        )
