"""A release's source with all that goes into it before Bazel, and whether it came out again."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, NamedTuple

from builder.cherrypick.paths import sort_paths
from builder.cherrypick.picker import WheelBlobs
from builder.cherrypick.series import CHERRY_PICK_SERIES
from builder.errors import SourceError
from builder.model import AppliedPatch, Delta
from builder.patching.delta import make_delta
from builder.wheel import archive
from builder.wheel.blobs import hash_git_blob

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.cherrypick.picker import CherryPicker, PickStep
    from builder.model import PickedCommits, Release
    from builder.patching.series import Series
    from builder.wheel.archive import Archive


class PreparedSource(NamedTuple):
    """A release's source with all that goes into it.

    Attributes:
        picker: has the repository.
        picked: which commits were picked.
        steps: the commits, one by one.
        delta: what the series of patches change.
        remaining_series: the series for the wheel.
    """

    picker: CherryPicker
    picked: PickedCommits
    steps: Sequence[PickStep]
    delta: Delta
    remaining_series: Sequence[Series]


def prepare_source(
    release: Release, all_series: Sequence[Series], picker: CherryPicker
) -> PreparedSource:
    """Pick the commits, and apply to the source the series that are made against it.

    Those from the first on that is made against the published wheel are left for Bazel's wheel.

    Raises:
        PatchError: a commit conflicts, or a patch is made against other content.
        SourceError: the release or a file is not there, or git fails.
    """
    picked, steps = picker.pick_commits(release)
    count = 0
    for series in all_series:
        patches = series.find_patches(release.version)
        if series.find_metadata_edits(release.version) or any(p.against != "git" for p in patches):
            break
        count += 1
    inner = all_series[:count]
    paths = {
        p for s in inner for patch in s.find_patches(release.version) for p in patch.find_paths(())
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as files:
        for path in sorted(paths):
            files.writestr(path, picker.mirror.read_blob(f"{picked.head}:{path}"))
    tree = archive.parse_archive(packed.getvalue(), "the source")
    return PreparedSource(
        picker, picked, steps, make_delta(release, tree, inner), tuple(all_series[count:])
    )


def make_source_delta(source: PreparedSource) -> Delta:
    """What went into the source, told as the overlay tells it."""
    mirror = source.picker.mirror
    commits = tuple(
        AppliedPatch(
            CHERRY_PICK_SERIES,
            step.commit.id,
            step.commit.sha256,
            tuple(c.path for c in mirror.list_changes(step.before, step.after)),
            commit=True,
        )
        for step in source.steps
    )
    delta = source.delta
    native = (CHERRY_PICK_SERIES,) if source.picked.commits and not source.steps else ()
    return Delta(
        applied=(*commits, *delta.applied),
        native=(*native, *delta.native),
        idle=delta.idle,
        series=delta.series,
    )


def verify_built_wheel(
    release: Release, built: Archive, stock: Archive, source: PreparedSource
) -> None:
    """See that the wheel has what went into the source.

    Raises:
        SourceError: it has not: the source was not what Bazel built it from.
    """
    wanted = {}
    if source.picked.head != source.picked.base:
        changes = source.picker.mirror.list_changes(source.picked.base, source.picked.head)
        taken = sort_paths(changes, WheelBlobs(stock)).taken
        wanted = {c.path: c.after for c in changes if c.path in taken}
    wanted |= {path: hash_git_blob(c.after) for path, c in source.delta.changes.items()}
    members = WheelBlobs(built)
    for path, blob in wanted.items():
        if members.find_blob(path) != blob:
            raise SourceError(
                f"Bazel's wheel of {release.version} does not have what was made of {path}",
                "look at //tensorboard/pip_package in that source",
            )
