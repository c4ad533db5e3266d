"""Make the final wheel by an overlay of the stock wheel, by a build from source, or by both."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import SourceError
from builder.patching.overlay import Overlay, build_overlay
from builder.provenance.statements import BuildRun
from builder.wheel import archive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.bazel.backend import BazelBackend, SourceBuild
    from builder.build.equivalence import WheelComparison
    from builder.cherrypick.picker import CherryPicker
    from builder.model import Identity, PickedCommits, Release
    from builder.patching.delta import CodemodCache
    from builder.patching.series import Series
    from builder.wheel.archive import Archive


class Backend(StrEnum):
    """What makes the patched wheel; `both` compares the two wheels and keeps the overlay's."""

    OVERLAY = "overlay"
    BAZEL = "bazel"
    BOTH = "both"


class FinalWheel(NamedTuple):
    """The final wheel, and how it was made.

    Attributes:
        overlay: the wheel, and what it was made from.
        series: the series that were asked for, in order, cherry-picks first.
        picked: the cherry-picked commits, or None if none were asked for.
        source_build: the build from source, or None if there was none.
        comparison: the comparison of both backends' wheels, or None if only one built it.
    """

    overlay: Overlay
    series: Sequence[Series]
    picked: PickedCommits | None = None
    source_build: SourceBuild | None = None
    comparison: WheelComparison | None = None

    def to_provenance_run(self, commit: str | None, epoch: int | None) -> BuildRun:
        """Make the `builder.provenance.statements.BuildRun`, whose fields the arguments are."""
        if self.source_build is None:
            return BuildRun(commit, epoch)
        if self.comparison is None:
            return BuildRun(commit, epoch, Backend.BAZEL.value, self.source_build.provenance)
        # The wheel is the overlay's, which a rebuild can repeat. Bazel's wheel only confirms it.
        from builder.build import equivalence

        summary = equivalence.to_json(self.comparison)
        summary["witness"] = {
            "of": list(self.source_build.provenance.materials),
            **self.source_build.provenance.about,
        }
        return BuildRun(commit, epoch, equivalence=summary)


class WheelBuilder(NamedTuple):
    """Make final wheels; safe to use from several threads.

    Attributes:
        backend: which backend makes them.
        all_series: the series to apply, in order.
        codemod_cache: the cache of codemod outcomes, or None to compute all of them.
        picker: picks commits before the series are applied, or None.
        bazel_backend: builds from source; required unless the backend is the overlay.
    """

    backend: Backend
    all_series: Sequence[Series]
    codemod_cache: CodemodCache | None
    picker: CherryPicker | None
    bazel_backend: BazelBackend | None

    def make_final_wheel(self, release: Release, stock: bytes, identity: Identity) -> FinalWheel:
        """Make a release's final wheel.

        Args:
            release: the release to build.
            stock: its stock wheel, already verified.
            identity: the identity of the final wheel.

        Raises:
            PatchError: a commit or a series does not apply, or not soundly.
            SourceError: it cannot be built from source, or the backends make different wheels.
            WheelError: a wheel cannot be read.
            EngineError: the engine refused a request.
        """
        if self.bazel_backend is None or self.backend is Backend.OVERLAY:
            return self._build_overlay(release, stock, identity)
        if self.backend is Backend.BAZEL:
            return self._build_with_bazel(self.bazel_backend, release, stock, identity)
        # The overlay takes hardly any time, and so reports unsound patches before Bazel starts.
        overlay_wheel = self._build_overlay(release, stock, identity)
        bazel_wheel = self._build_with_bazel(self.bazel_backend, release, stock, identity)
        from builder.build import equivalence

        comparison = equivalence.compare_wheels(
            _parse_overlay(overlay_wheel.overlay), _parse_overlay(bazel_wheel.overlay)
        )
        if comparison.different:
            first = comparison.different[0]
            raise SourceError(
                f"overlay and Bazel give wheels of {release.version} that differ in "
                f"{len(comparison.different)} members; first {first.path}: {first.why}",
                "say which you want (--backend overlay or bazel), or find out why",
            )
        return overlay_wheel._replace(source_build=bazel_wheel.source_build, comparison=comparison)

    def _build_overlay(self, release: Release, stock: bytes, identity: Identity) -> FinalWheel:
        picked: tuple[Series, ...] = ()
        if self.picker is not None:
            parsed = archive.parse_archive(stock, release.wheel.filename)
            picked = (self.picker.pick_as_series(release, parsed),)
        series = (*picked, *self.all_series)
        overlay = build_overlay(release, stock, series, identity, self.codemod_cache)
        return FinalWheel(overlay, series, next((s.picked for s in picked), None))

    def _build_with_bazel(
        self,
        bazel_backend: BazelBackend,
        release: Release,
        stock: bytes,
        identity: Identity,
    ) -> FinalWheel:
        published = archive.parse_archive(stock, release.wheel.filename)
        source_build = bazel_backend.build_from_source(
            release, published, self.all_series, self.picker
        )
        overlay = build_overlay(
            release,
            source_build.wheel,
            source_build.remaining_series,
            identity,
            self.codemod_cache,
            before=source_build.delta,
        )
        check_patched_members(release, overlay, published, source_build)
        if self.picker is None:
            return FinalWheel(overlay, self.all_series, source_build=source_build)
        from builder.cherrypick.series import make_pick_series

        picked = make_pick_series(release.version, source_build.picked, ())
        return FinalWheel(overlay, (picked, *self.all_series), source_build.picked, source_build)


def check_patched_members(
    release: Release, overlay: Overlay, published: Archive, source_build: SourceBuild
) -> None:
    """Check that Bazel's wheel has the stock wheel's bytes where patches against that wheel apply.

    Codemods are exempt, as their preconditions decide. So are members that patches of the source
    changed, as those were checked before.

    Raises:
        SourceError: such a member of Bazel's wheel has other bytes.
    """
    known = {path for patch in source_build.delta.applied for path in patch.paths}
    for patch in overlay.delta.applied[len(source_build.delta.applied) :]:
        for path in () if patch.codemod else patch.paths:
            member = published.find_member(path)
            pin = None if member is None else hashlib.sha256(member.read()).hexdigest()
            if path not in known and overlay.delta.changes[path].before != pin:
                raise SourceError(
                    f"{patch.label} was made against the published wheel of {release.version}, and "
                    f"Bazel made another {path}",
                    "leave that series out (--series)",
                )


def _parse_overlay(overlay: Overlay) -> Archive:
    return archive.parse_archive(overlay.content, overlay.filename)
