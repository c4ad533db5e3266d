"""The two ways to a patched wheel: the published one changed, or one built from source; or both."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from builder.build import equivalence
from builder.cherrypick.series import make_series
from builder.errors import SourceError
from builder.patching.overlay import Overlay, build_overlay
from builder.provenance.statements import Run
from builder.wheel import archive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.bazel.foundry import Cast, Foundry
    from builder.build.equivalence import Comparison
    from builder.cherrypick.picker import Picker
    from builder.model import Identity, Picked, Release
    from builder.patching.delta import Memo
    from builder.patching.series import Series
    from builder.wheel.archive import Archive


class Backend(StrEnum):
    """What makes the patched wheel; `both` compares the two, and keeps the overlay's."""

    OVERLAY = "overlay"
    BAZEL = "bazel"
    BOTH = "both"


class Made(NamedTuple):
    """The final wheel, and how it came about.

    Attributes:
        overlay: the wheel, and what it was made of.
        series: what was asked for, in order, cherry-picks first.
        picked: what was cherry-picked, or None where nothing was asked for.
        cast: what came of the source, where it was built.
        comparison: how the backends compare, where both built it.
    """

    overlay: Overlay
    series: Sequence[Series]
    picked: Picked | None = None
    cast: Cast | None = None
    comparison: Comparison | None = None

    def run(self, commit: str | None, epoch: int | None) -> Run:
        """For provenance; the arguments are those of `builder.provenance.statements.Run`."""
        if self.cast is None:
            return Run(commit, epoch)
        if self.comparison is None:
            return Run(commit, epoch, Backend.BAZEL.value, self.cast.source)
        # It is the overlay's wheel, which a rebuild repeats; Bazel's is the witness.
        told = equivalence.to_json(self.comparison)
        told["witness"] = {"of": list(self.cast.source.materials), **self.cast.source.about}
        return Run(commit, epoch, equivalence=told)


class Backends(NamedTuple):
    """Make wheels; safe to use from several threads.

    Attributes:
        backend: which.
        memo: where outcomes of codemods are kept.
        picker: has the commits to pick before the series, or None.
        foundry: builds from source; there unless the backend is the overlay.
    """

    backend: Backend
    memo: Memo | None
    picker: Picker | None
    foundry: Foundry | None

    def make(
        self, release: Release, stock: bytes, all_series: Sequence[Series], identity: Identity
    ) -> Made:
        """Make a release's final wheel.

        Args:
            release: what to build.
            stock: its published wheel, verified.
            all_series: what to apply, in order.
            identity: what to call the outcome.

        Raises:
            PatchError: a commit or a series does not apply, or not soundly.
            SourceError: it cannot be built from source, or the two ways give different wheels.
            WheelError: a wheel cannot be read.
            EngineError: the engine refused.
        """
        if self.foundry is None or self.backend is Backend.OVERLAY:
            return self._overlay(release, stock, all_series, identity)
        if self.backend is Backend.BAZEL:
            return self._bazel(self.foundry, release, stock, all_series, identity)
        # It takes no time, so what is unsound is known before Bazel starts.
        made = self._overlay(release, stock, all_series, identity)
        witness = self._bazel(self.foundry, release, stock, all_series, identity)
        comparison = equivalence.compare(_parsed(made.overlay), _parsed(witness.overlay))
        if comparison.different:
            first = comparison.different[0]
            raise SourceError(
                f"overlay and Bazel give wheels of {release.version} that differ in "
                f"{len(comparison.different)} members; first {first.path}: {first.why}",
                "say which you want (--backend overlay or bazel), or find out why",
            )
        return made._replace(cast=witness.cast, comparison=comparison)

    def _overlay(
        self, release: Release, stock: bytes, all_series: Sequence[Series], identity: Identity
    ) -> Made:
        picked: tuple[Series, ...] = ()
        if self.picker is not None:
            parsed = archive.parse(stock, release.wheel.filename)
            picked = (self.picker.series(release, parsed),)
        series = (*picked, *all_series)
        overlay = build_overlay(release, stock, series, identity, self.memo)
        return Made(overlay, series, next((s.picked for s in picked), None))

    def _bazel(
        self,
        foundry: Foundry,
        release: Release,
        stock: bytes,
        all_series: Sequence[Series],
        identity: Identity,
    ) -> Made:
        published = archive.parse(stock, release.wheel.filename)
        cast = foundry.cast(release, published, all_series, self.picker)
        overlay = build_overlay(
            release, cast.wheel, cast.series, identity, self.memo, before=cast.delta
        )
        check_pins(release, overlay, published, cast)
        if self.picker is None:
            return Made(overlay, all_series, cast=cast)
        picked = make_series(release.version, cast.picked, ())
        return Made(overlay, (picked, *all_series), cast.picked, cast)


def check_pins(release: Release, overlay: Overlay, published: Archive, cast: Cast) -> None:
    """A patch against the published wheel is for just those bytes, whoever made the wheel.

    Codemods judge by their preconditions; what the source's own patches changed is known already.

    Raises:
        SourceError: Bazel's wheel has other bytes there.
    """
    known = {path for patch in cast.delta.applied for path in patch.paths}
    for patch in overlay.delta.applied[len(cast.delta.applied) :]:
        for path in () if patch.codemod else patch.paths:
            member = published.find(path)
            pin = None if member is None else hashlib.sha256(member.read()).hexdigest()
            if path not in known and overlay.delta.changes[path].before != pin:
                raise SourceError(
                    f"{patch.label} was made against the published wheel of {release.version}, and "
                    f"Bazel made another {path}",
                    "leave that series out (--series)",
                )


def _parsed(overlay: Overlay) -> Archive:
    return archive.parse(overlay.content, overlay.filename)
