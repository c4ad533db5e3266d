"""What the build from source does not take on trust: that Bazel's wheel is what it should be."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from builder.bazel.backend import SourceBuild
from builder.bazel.prepare import PreparedSource, verify_built_wheel
from builder.build.backends import check_patched_members
from builder.errors import SourceError
from builder.model import Delta, IdentityKind, PickedCommits
from builder.patching.delta import make_delta
from builder.patching.identity import WheelNaming
from builder.patching.overlay import build_overlay
from builder.patching.series import load_series
from builder.provenance.statements import SourceBuildProvenance
from builder.wheel import archive
from tests.support.releases import CATALOG, ROOT, stock_path

if TYPE_CHECKING:
    from builder.cherrypick.picker import CherryPicker

NOTEBOOK = "tensorboard/notebook.py"
PICKED = PickedCommits("u", "", "base", (), (), "base", "tree", ())
_found = CATALOG.find_release("2.2.1")
assert _found is not None
RELEASE = _found
PROXY, TODAY = (load_series(ROOT / "patches" / name) for name in ("proxy", "today"))
IDENTITY = WheelNaming(IdentityKind.TEST, "tensorboardtmp").make_identity("2.2.1")


def _published() -> bytes:
    return stock_path(RELEASE.wheel).read_bytes()


def _with(wheel: bytes, path: str, content: bytes) -> bytes:
    """The wheel with another content of one member."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(wheel)) as old, zipfile.ZipFile(packed, "w") as new:
        for info in old.infolist():
            new.writestr(info, content if info.filename == path else old.read(info))
    return packed.getvalue()


def _read(wheel: bytes, path: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(wheel)) as packed:
        return packed.read(path)


def test_a_wheel_without_what_went_into_the_source_is_refused() -> None:
    """Bazel built it from something else, or the target does not take that file."""
    published = archive.parse_archive(_published(), "published")
    delta = make_delta(RELEASE, published, [PROXY])
    # Nothing was picked, so that nobody asks for the repository.
    source = PreparedSource(cast("CherryPicker", None), PICKED, (), delta, ())
    with pytest.raises(SourceError, match=f"does not have what was made of {NOTEBOOK}"):
        verify_built_wheel(RELEASE, published, published, source)
    right = _with(_published(), NOTEBOOK, delta.changes[NOTEBOOK].after)
    verify_built_wheel(RELEASE, archive.parse_archive(right, "right"), published, source)


def test_a_patch_against_the_published_wheel_is_for_just_its_bytes() -> None:
    """Where Bazel made another member, the patch is refused though it would apply."""
    published = archive.parse_archive(_published(), "published")
    made = _cast(_published())
    check_patched_members(
        RELEASE, build_overlay(RELEASE, made.wheel, [TODAY], IDENTITY), published, made
    )
    patches = make_delta(RELEASE, published, [TODAY]).applied
    path = next(p.paths[0] for p in patches if not p.codemod)
    other = _cast(_with(_published(), path, _read(_published(), path) + b"# by Bazel\n"))
    overlay = build_overlay(RELEASE, other.wheel, [TODAY], IDENTITY)
    with pytest.raises(SourceError, match=f"Bazel made another {path}"):
        check_patched_members(RELEASE, overlay, published, other)


def _cast(wheel: bytes) -> SourceBuild:
    return SourceBuild(wheel, Delta(), (TODAY,), PICKED, SourceBuildProvenance((), {}), Path(), "")
