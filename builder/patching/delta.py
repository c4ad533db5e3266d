"""Deltas: what series make of one stock wheel, and whether that is sound.

An overlay is sound when every changed path is a member of the stock wheel that equals what the
patch was made against: its git blob, or the wheel that the catalog pins; a codemod judges by its
precondition. Anything else is an error that names the path, never a guess.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from builder.errors import PatchError
from builder.model import AppliedPatch, Delta, FileChange, Release
from builder.system.warning_filters import ignore_warnings
from builder.wheel.blobs import hash_git_blob

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.patching.series import Patch, Series
    from builder.wheel.archive import Archive


class CodemodCache(Protocol):
    """Outcomes of earlier runs, by key. It may forget, and must never give another's outcome."""

    def get(self, key: str) -> bytes | None:
        """The outcome kept under that key, or None."""
        ...

    def put(self, key: str, outcome: bytes) -> None:
        """Keep an outcome."""
        ...


def make_delta(
    release: Release,
    stock: Archive,
    all_series: Iterable[Series],
    codemod_cache: CodemodCache | None = None,
) -> Delta:
    """Apply the series, in their order, to the members of the stock wheel.

    Args:
        release: whose stock wheel it is.
        stock: the stock wheel; its bytes must have been verified against the release's sha256.
        all_series: each patch works on the outcome of those before it.
        codemod_cache: where outcomes of codemods are kept; None to work everything out.

    Raises:
        PatchError: a member is missing or is not what the patch was made against, or a patch does
            not apply or does nothing. Nothing is ever forced.
    """
    work = _PatchedMembers(release, stock, codemod_cache)
    applied: list[AppliedPatch] = []
    native: list[str] = []
    idle: list[str] = []
    active: list[str] = []
    chosen = list(all_series)
    for series in chosen:
        patches = series.find_patches(release.version)
        for patch in patches:
            paths = work.apply_patch(series, patch)
            applied.append(
                AppliedPatch(
                    series.name, patch.file, patch.sha256, paths, patch.codemod, patch.commit
                )
            )
        if series.picked is not None and patches:
            continue  # its commits speak for themselves
        if patches or series.find_metadata_edits(release.version):
            active.append(series.name)
        else:
            (native if series.is_native(release.version) else idle).append(series.name)
    return Delta(
        changes=work.collect_changes(),
        metadata=tuple(e for series in chosen for e in series.find_metadata_edits(release.version)),
        applied=tuple(applied),
        native=tuple(native),
        idle=tuple(idle),
        series=tuple(active),
    )


def combine_deltas(before: Delta, delta: Delta) -> Delta:
    """A Delta behind another: its changes, and what both say of series and patches."""
    return replace(
        delta,
        applied=(*before.applied, *delta.applied),
        native=(*before.native, *delta.native),
        idle=(*before.idle, *delta.idle),
        series=(*before.series, *delta.series),
    )


def _check_python(path: str, outcome: bytes) -> bytes:
    """The outcome, if it is Python where it should be.

    Raises:
        ValueError: it is not: a patch that applies can still leave rubbish behind.
    """
    if path.endswith(".py"):
        try:
            with ignore_warnings():
                compile(outcome, path, "exec", dont_inherit=True)
        except SyntaxError as error:
            raise ValueError(f"its outcome is no Python: {error}") from error
    return outcome


class _PatchedMembers:
    """The members that patches have touched so far: as they were and as they are."""

    def __init__(
        self, release: Release, stock: Archive, codemod_cache: CodemodCache | None
    ) -> None:
        self._release = release
        self._stock = stock
        self._codemod_cache = codemod_cache
        self._before: dict[str, bytes] = {}
        self._now: dict[str, bytes] = {}

    def apply_patch(self, series: Series, patch: Patch) -> tuple[str, ...]:
        """Apply one patch; the paths that it changed."""
        changed = []
        for path in patch.find_paths([m.name for m in self._stock.members]):
            self._read_member(series, patch, path)
            self._check_pin(series, patch, path)
            try:
                outcome = self._compute_outcome(patch, path, self._now[path])
            except ValueError as error:
                raise self._make_error(series, patch, f"{path}: {error}") from error
            if outcome != self._now[path]:
                changed.append(path)
                self._now[path] = outcome
        if not changed:
            raise self._make_error(
                series, patch, "there is nothing in the stock wheel that it changes"
            )
        return tuple(changed)

    def collect_changes(self) -> dict[str, FileChange]:
        return {
            path: FileChange(hashlib.sha256(self._before[path]).hexdigest(), after)
            for path, after in self._now.items()
            if after != self._before[path]
        }

    def _compute_outcome(self, patch: Patch, path: str, content: bytes) -> bytes:
        if self._codemod_cache is None or not patch.codemod:
            return _check_python(path, patch.patch_content(path, content))
        name = f"{patch.file}\0{patch.sha256}\0".encode()
        key = hashlib.sha256(name + content).hexdigest()
        outcome = self._codemod_cache.get(key)
        if outcome is None:
            outcome = _check_python(path, patch.patch_content(path, content))
            self._codemod_cache.put(key, outcome)
        return outcome

    def _read_member(self, series: Series, patch: Patch, path: str) -> None:
        if path in self._before:
            return
        member = self._stock.find_member(path)
        if member is None:
            raise self._make_error(series, patch, f"the stock wheel has no {path}")
        self._before[path] = self._now[path] = member.read()

    def _check_pin(self, series: Series, patch: Patch, path: str) -> None:
        if patch.against == "git":
            blob = hash_git_blob(self._before[path])
            if blob not in patch.blobs[path]:
                raise self._make_error(
                    series,
                    patch,
                    f"{path} in the stock wheel is git blob {blob}, which it was not made against",
                )
        elif not self._release.pinned and not patch.codemod:
            raise self._make_error(
                series, patch, f"{path}: it was made against the wheels that the catalog pins"
            )

    def _make_error(self, series: Series, patch: Patch, why: str) -> PatchError:
        return PatchError(
            f"{series.name}/{patch.file} does not apply to {self._release.version}: {why}",
            f"leave the series out (--series), or make a patch for {self._release.version}",
        )
