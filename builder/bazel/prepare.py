"""Prepare a release's source for Bazel, and verify that the built wheel has its changes."""

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
    """A release's source, with the commits and series that go into it.

    Attributes:
        picker: has the mirror of the repository.
        picked: the commits that were picked.
        steps: the single picks, in order.
        delta: what the series change in the source.
        remaining_series: the series that are applied to Bazel's wheel.
    """

    picker: CherryPicker
    picked: PickedCommits
    steps: Sequence[PickStep]
    delta: Delta
    remaining_series: Sequence[Series]


def prepare_source(
    release: Release, all_series: Sequence[Series], picker: CherryPicker
) -> PreparedSource:
    """Pick the commits, and apply the leading series that are made against git to the source.

    The first series that edits METADATA or is made against the published wheel, and all series
    after it, are left for Bazel's wheel, so that the order stays the same.

    Raises:
        PatchError: a commit conflicts, or a patch was made against other content.
        SourceError: the repository lacks the release or a file, or git fails.
    """
    picked, steps = picker.pick_commits(release)
    count = 0
    for series in all_series:
        patches = series.find_patches(release.version)
        if series.find_metadata_edits(release.version) or any(p.against != "git" for p in patches):
            break
        count += 1
    source_series = all_series[:count]
    paths = {
        p
        for s in source_series
        for patch in s.find_patches(release.version)
        for p in patch.find_paths(())
    }
    # `make_delta` patches the members of an archive, so the files to patch are put into one.
    packed, mirror = io.BytesIO(), picker.mirror
    with zipfile.ZipFile(packed, "w") as files:
        for path in sorted(paths):
            files.writestr(path, mirror.read_file(picked.tree, path))
    source_archive = archive.parse_archive(packed.getvalue(), "the source")
    return PreparedSource(
        picker,
        picked,
        steps,
        make_delta(release, source_archive, source_series),
        tuple(all_series[count:]),
    )


def make_source_delta(source: PreparedSource) -> Delta:
    """Make the delta of what went into the source, in the same form as the overlay's."""
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
    """Verify that the built wheel has the changes that went into the source.

    Raises:
        SourceError: it has not: Bazel did not build it from that source.
    """
    expected = {}
    if source.picked.head != source.picked.base:
        changes = source.picker.mirror.list_changes(source.picked.base, source.picked.head)
        taken = sort_paths(changes, WheelBlobs(stock)).taken
        expected = {c.path: c.after for c in changes if c.path in taken}
    expected |= {path: hash_git_blob(c.after) for path, c in source.delta.changes.items()}
    members = WheelBlobs(built)
    for path, blob in expected.items():
        if members.find_blob(path) != blob:
            raise SourceError(
                f"Bazel's wheel of {release.version} does not have what was made of {path}",
                "look at //tensorboard/pip_package in that source",
            )
