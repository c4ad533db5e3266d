"""Plans: what would be done to each release, and why. Pure: the catalog and the series decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.model import NOTEBOOK_PATH
from builder.patching import identity as identities
from builder.wheel import names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from builder.model import Identity, Release
    from builder.patching.series import Series


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """What one series means for a release: status `applied`, `native` or `none`, and its entries.

    Attributes:
        patches: files and codemods that apply.
        metadata: edits of METADATA, as people read them.
    """

    series: str
    status: str
    patches: tuple[str, ...]
    metadata: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """What would be done to one release.

    Attributes:
        release: the release.
        backend: `overlay`, or `refused` where a patch was made against other content.
        reason: why that backend.
        series: one entry for each series that was asked for, in order.
        identity: what the wheel would be called.
        filename: the wheel's file name.
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
        releases: what to plan for.
        all_series: what would be applied, in order.
        identify: version → identity.
        present: the names of the files in the output directory.
    """
    return [
        _plan_release(release, all_series, identify(release.version), present)
        for release in releases
    ]


def to_json(plan: BuildPlan) -> dict[str, object]:
    """The plan for machines."""
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
    """The plans as the matrix of a GitHub Actions job: one job for each release.

    A job has at most 256 (docs.github.com, "Running variations of jobs in a workflow").
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
    done = patches or edits
    status = "applied" if done else "native" if series.is_native(version) else "none"
    return SeriesPlan(series.name, status, patches, edits)


def _find_refusals(release: Release, series: Series) -> list[str]:
    """What the catalog alone can tell: patches against another blob, or against unpinned wheels."""
    found = []
    for patch in series.find_patches(release.version):
        blobs = patch.blobs.get(NOTEBOOK_PATH)
        known = release.notebook_blob
        if blobs is not None and known is not None and known not in blobs:
            found.append(f"{series.name}/{patch.file} was not made against blob {known}")
        if patch.against == "wheel" and not patch.codemod and not release.pinned:
            found.append(f"{series.name}/{patch.file} wants a wheel that the catalog pins")
    return found
