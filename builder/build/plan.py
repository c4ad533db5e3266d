"""Plan what would be done to each release, and why. Pure: the catalog and the series decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from builder.model import NOTEBOOK_PATH
from builder.patching import identity as identities
from builder.wheel import names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from builder.model import Identity, Release
    from builder.patching.series import Series


class SeriesPlan(msgspec.Struct, frozen=True):
    """What one series changes in a release.

    Attributes:
        series: the name of the series.
        status: `applied`, `native` or `none`.
        patches: the patch files and codemods that apply.
        metadata: the edits of METADATA, as text for people.
    """

    series: str
    status: str
    patches: tuple[str, ...]
    metadata: tuple[str, ...]


class BuildPlan(msgspec.Struct, frozen=True):
    """What would be done to one release.

    Attributes:
        release: the release.
        backend: `overlay`, or `refused` where a patch was made against other content.
        reason: why that backend.
        series: one entry for each series that was asked for, in order.
        identity: the identity of the final wheel.
        filename: the final wheel's file name.
        in_output: whether a wheel of that name is in the output directory.
    """

    release: Release
    backend: str
    reason: str
    series: tuple[SeriesPlan, ...]
    identity: Identity
    filename: str
    in_output: bool


def make_plan(
    releases: Sequence[Release],
    all_series: Sequence[Series],
    identify: Callable[[str], Identity],
    present: Collection[str],
) -> list[BuildPlan]:
    """Plan every release.

    Args:
        releases: the releases to plan.
        all_series: the series that would be applied, in order.
        identify: makes the identity of the final wheel of a version.
        present: the names of the files in the output directory.
    """
    return [
        _plan_release(release, all_series, identify(release.version), present)
        for release in releases
    ]


def to_json(plan: BuildPlan) -> dict[str, object]:
    """Convert a plan to JSON values."""
    return {
        "version": plan.release.version,
        "yanked": plan.release.yanked,
        "pinned": plan.release.pinned,
        "stock": {
            "filename": plan.release.wheel.filename,
            "sha256": plan.release.wheel.sha256,
            "size": plan.release.wheel.size,
        },
        "backend": plan.backend,
        "reason": plan.reason,
        "series": [
            {
                "name": s.series,
                "status": s.status,
                "patches": list(s.patches),
                "metadata": list(s.metadata),
            }
            for s in plan.series
        ],
        "identity": plan.identity.kind.value,
        "name": plan.identity.name,
        "output": plan.filename,
        "in_output": plan.in_output,
    }


def to_matrix(plans: Sequence[BuildPlan]) -> dict[str, list[dict[str, str]]]:
    """Convert plans to the matrix of a GitHub Actions workflow: one job for each release.

    A matrix has at most 256 jobs (docs.github.com, "Running variations of jobs in a workflow").
    """
    return {"include": [{"release": p.release.version, "wheel": p.filename} for p in plans]}


def _plan_release(
    release: Release, all_series: Sequence[Series], identity: Identity, present: Collection[str]
) -> BuildPlan:
    refusals = [why for series in all_series for why in _find_refusals(release, series)]
    tag = names.parse_wheel_filename(release.wheel.filename).tag
    filename = identities.make_wheel_name(identity, tag).filename
    return BuildPlan(
        release=release,
        backend="refused" if refusals else "overlay",
        reason=refusals[0] if refusals else "every changed path is a member of the stock wheel",
        series=tuple(_plan_series(release.version, s) for s in all_series),
        identity=identity,
        filename=filename,
        in_output=filename in present,
    )


def _plan_series(version: str, series: Series) -> SeriesPlan:
    patches = tuple(p.file for p in series.find_patches(version))
    edits = tuple(f"{e.action} {e.header}: {e.value}" for e in series.find_metadata_edits(version))
    changes = patches or edits
    status = "applied" if changes else "native" if series.is_native(version) else "none"
    return SeriesPlan(series.name, status, patches, edits)


def _find_refusals(release: Release, series: Series) -> list[str]:
    """Find patches that, by the catalog, cannot apply: other blob, or the wheel is not pinned."""
    found = []
    for patch in series.find_patches(release.version):
        blobs = patch.blobs.get(NOTEBOOK_PATH)
        known = release.notebook_blob
        if blobs is not None and known is not None and known not in blobs:
            found.append(f"{series.name}/{patch.file} was not made against blob {known}")
        if patch.against == "wheel" and not patch.codemod and not release.pinned:
            found.append(f"{series.name}/{patch.file} wants a wheel that the catalog pins")
    return found
