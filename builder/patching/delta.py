"""Compute deltas: what series change in a stock wheel, and whether the overlay is sound.

An overlay is sound if every changed path is a member of the stock wheel and equals what the patch
was made against: its git blob, or the wheel that the catalog pins. For a codemod, its precondition
decides. Anything else is an error that names the path; nothing is guessed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from builder.errors import PatchError
from builder.model import AppliedPatch, Delta, FileChange, Release
from builder.system.warning_filters import ignore_warnings
from builder.wheel.blobs import hash_git_blob

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.patching.series import Patch, Series
    from builder.wheel.archive import Archive


class CodemodCache(Protocol):
    """A cache of codemod outcomes; it may lose entries, but must never return a wrong one."""

    def get(self, key: str) -> bytes | None:
        """Return the outcome stored under a key, or None."""
        ...

    def put(self, key: str, outcome: bytes) -> None:
        """Store an outcome under a key."""
        ...


def make_delta(
    release: Release,
    stock: Archive,
    all_series: Iterable[Series],
    codemod_cache: CodemodCache | None = None,
) -> Delta:
    """Apply the series, in order, to the members of the stock wheel.

    Args:
        release: the release of the stock wheel.
        stock: the stock wheel; its bytes must have been verified against the release's sha256.
        all_series: the series to apply; each patch starts from the outcome of the previous one.
        codemod_cache: the cache of codemod outcomes, or None to compute all of them.

    Raises:
        PatchError: a member is missing or differs from what the patch was made against, or a patch
            does not apply or changes nothing. No patch is ever forced.
    """
    members = _PatchedMembers(release, stock, codemod_cache)
    applied: list[AppliedPatch] = []
    native: list[str] = []
    idle: list[str] = []
    active: list[str] = []
    chosen = list(all_series)
    for series in chosen:
        patches = series.find_patches(release.version)
        for patch in patches:
            paths = members.apply_patch(series, patch)
            applied.append(
                AppliedPatch(
                    series.name, patch.file, patch.sha256, paths, patch.codemod, patch.commit
                )
            )
        if series.picked is not None and patches:
            continue  # `applied` already lists its commits, and `Delta.series` has no cherry-picks
        if patches or series.find_metadata_edits(release.version):
            active.append(series.name)
        else:
            (native if series.is_native(release.version) else idle).append(series.name)
    return Delta(
        changes=members.collect_changes(),
        metadata=tuple(e for series in chosen for e in series.find_metadata_edits(release.version)),
        applied=tuple(applied),
        native=tuple(native),
        idle=tuple(idle),
        series=tuple(active),
    )


def combine_deltas(before: Delta, delta: Delta) -> Delta:
    """Append a delta to another: the changes of the last one, series and patches of both."""
    return replace(
        delta,
        applied=(*before.applied, *delta.applied),
        native=(*before.native, *delta.native),
        idle=(*before.idle, *delta.idle),
        series=(*before.series, *delta.series),
    )


def _check_python(path: str, outcome: bytes) -> bytes:
    """Return the outcome, after a check that a `.py` file can be compiled.

    Raises:
        ValueError: it cannot: a patch that applies can still produce invalid Python.
    """
    if path.endswith(".py"):
        try:
            with ignore_warnings():
                compile(outcome, path, "exec", dont_inherit=True)
        except SyntaxError as error:
            raise ValueError(f"its outcome is no Python: {error}") from error
    return outcome


class _PatchedMembers:
    """The members that patches have changed so far, each before and after."""

    def __init__(
        self, release: Release, stock: Archive, codemod_cache: CodemodCache | None
    ) -> None:
        self._release = release
        self._stock = stock
        self._codemod_cache = codemod_cache
        self._before: dict[str, bytes] = {}
        self._now: dict[str, bytes] = {}

    def apply_patch(self, series: Series, patch: Patch) -> tuple[str, ...]:
        """Apply one patch and return the paths that it changed."""
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
