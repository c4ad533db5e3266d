"""What is read from patches/, and what is refused."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from builder.errors import PatchError
from builder.model import IdentityKind
from builder.patching.identity import WheelNaming
from builder.patching.overlay import build_overlay
from builder.patching.series import audit_series, load_series
from tests.support.releases import RELEASES
from tests.support.series import CODEMOD, NAMES, PATCHES, REQUIREMENT, make_series, spoil

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.model import Release

BLOB = "6e2c0a9404ebec13ab16751ef973f94d6b0f079c"


def test_our_series_have_no_findings() -> None:
    """Every patch file of ours serves a release and is listed."""
    assert audit_series([load_series(PATCHES / n) for n in NAMES], RELEASES) == []


def test_idle_and_stray_patch_files_are_findings(copy: Path) -> None:
    """A file that serves no release, and one that no TOML lists."""
    shutil.copy(copy / "iframe.patch", copy / "old.patch")
    spoil(copy, '">=2.2,<2.3"', '">=9"')
    found = {(f.code, f.subject) for f in audit_series([load_series(copy)], RELEASES)}
    assert found == {("P901", "proxy/shell-html.patch"), ("P902", "proxy/old.patch")}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("name =", "name", "no TOML"),
        ('name = "proxy"', 'name = "other"', "not the directory's name"),
        ('releases = ">=1.13"', 'releases = "newer"', "no version specifier"),
        ('against = "git"', 'against = "svn"', r"'svn' - at `\$\.patch\[0\]\.against`"),
        ('against = "git"', 'against = "wheel"', "belong to patches made against git"),
        ('"tensorboard/notebook.py"', '"tensorboard/other.py"', "must name just what"),
        (BLOB, "6e2c", r"patch\[0\]`: blobs of tensorboard/notebook.py are no git blobs"),
        (BLOB, f"{BLOB}\\n", "are no git blobs"),
        ('file = "iframe.patch"', 'file = "gone.patch"', "cannot be read"),
        ('file = "iframe.patch"', 'file = "../proxy/iframe.patch"', "not a file of this series"),
        ('file = "iframe.patch"', "", "a patch has a file"),
        ("summary =", "sumary =", "unknown field `sumary`"),
        ("native-since =", "native_since =", "unknown field `native_since`"),
        ("[[patch]]", "[patch]", "no TOML|must be written as"),
    ],
)
def test_malformed_series_are_named(copy: Path, old: str, new: str, why: str) -> None:
    """Each mistake in a TOML is one line that says what and where."""
    spoil(copy, old, new)
    with pytest.raises(PatchError, match=why) as caught:
        load_series(copy)
    assert "series.toml" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("header", ["Description", "Origin", "Author", "Forwarded", "Last-Update"])
def test_patch_files_need_their_headers(copy: Path, header: str) -> None:
    """DEP-3 headers are not optional here."""
    patch = copy / "iframe.patch"
    patch.write_text(patch.read_text().replace(f"{header}:", f"X-{header}:", 1))
    with pytest.raises(PatchError, match=f"lacks the DEP-3 header {header}"):
        load_series(copy)


def test_a_missing_series_is_named_with_those_there(tmp_path: Path) -> None:
    """The hint lists what there is."""
    shutil.copytree(PATCHES / "proxy", tmp_path / "proxy")
    with pytest.raises(PatchError, match="no series 'prxy'") as caught:
        load_series(tmp_path / "prxy")
    assert "proxy" in caught.value.hint


HEADER = '[[header]]\nreleases = "==2.2.1"\nwhy = "because"\nset = {"Foo" = "x"}\n'


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"image-types"', '"no-such"', "there is no codemod 'no-such'"),
        ("tensorboard/plugins/image/*.py", "tensorboard/no/*.py", "nothing in the stock wheel"),
        ("tensorboard/plugins/image/*.py", "tensorboard/lazy.py", "nothing in the stock wheel"),
        ('against = "wheel"', 'against = "git"', "made against 'wheel'"),
        ('paths = ["tensorboard/plugins/image/*.py"]', "paths = []", "at least one member"),
        ('"Setuptools"', '"absent"', "no Requires-Dist: absent to drop"),
        ('"six>=2"', '"absl-py"', "has Requires-Dist: absl-py already"),
        ('"six>=2"', '"six >> 2"', r"requirement\[0\]`: .* is no requirement"),
        (
            "[[requirement]]",
            HEADER.replace("Foo", "Foo\\n") + "[[requirement]]",
            r"at `key` in `\$\.header\[0\]\.set`",
        ),
        ('drop = ["Setuptools"]\nadd = ["six>=2"]', "", "adds or drops something"),
        ('why = "because"\n', "", r"`why` - at `\$\.requirement\[0\]`|why is missing"),
    ],
)
def test_entries_that_cannot_be(
    tmp_path: Path,
    release: Callable[[str], Release],
    stock_wheel: Callable[[str], Path],
    old: str,
    new: str,
    why: str,
) -> None:
    """What a codemod or a requirement entry gets wrong is said in one line."""
    text = f"{CODEMOD}\n{REQUIREMENT}".replace('"Setuptools"', '"Setuptools", "six"')
    old = old.replace('["Setuptools"]', '["Setuptools", "six"]')
    assert old in text
    series = make_series(tmp_path, text.replace(old, new))
    stock = stock_wheel("2.2.1").read_bytes()
    identity = WheelNaming(IdentityKind.TEST, "x").make_identity("2.2.1")
    with pytest.raises(PatchError, match=why) as caught:
        build_overlay(release("2.2.1"), stock, [load_series(series)], identity)
    assert "\n" not in caught.value.message
