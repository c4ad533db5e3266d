"""builder.patching, series and delta: what is read from patches/, and what it makes of wheels."""

from __future__ import annotations

import ast
import hashlib
import io
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from builder.errors import PatchError
from builder.model import NOTEBOOK_PATH, IdentityKind
from builder.patching.delta import make_delta
from builder.patching.identity import WheelNaming
from builder.patching.overlay import build_overlay
from builder.patching.series import audit_series, load_series
from builder.releases.cache import Cache
from builder.today.normalise import MENDED_SCRIPT_SHA256
from builder.wheel import archive
from builder.wheel.blobs import hash_git_blob
from tests.support.releases import CATALOG, RELEASES, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.model import Release

NAMES = ("proxy", "proxy-hardening")
PATCHES = ROOT / "patches"
BLOB = "6e2c0a9404ebec13ab16751ef973f94d6b0f079c"
CORE = "tensorboard/plugins/core/core_plugin.py"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the proxy series to spoil."""
    return shutil.copytree(PATCHES / "proxy", tmp_path / "proxy")


def spoil(series: Path, old: str, new: str) -> None:
    """Replace a piece of text that is surely there."""
    source = series / "series.toml"
    text = source.read_text()
    assert old in text
    source.write_text(text.replace(old, new))


@pytest.mark.parametrize("version", RELEASES)
def test_every_release_is_patched_once(
    version: str, release: Callable[[str], Release], stock_wheel: Callable[[str], Path]
) -> None:
    """All 45: notebook.py changes, is valid Python, carries a change notice, is pinned.

    Nothing else does, but for the one that also serves the page.
    """
    stock = archive.parse_archive(stock_wheel(version).read_bytes(), version)
    delta = make_delta(release(version), stock, [load_series(PATCHES / n) for n in NAMES])
    beside = {CORE} if version == "2.4.0" else set()
    assert set(delta.changes) == {NOTEBOOK_PATH} | beside
    change = delta.changes[NOTEBOOK_PATH]
    member = stock.find_member(NOTEBOOK_PATH)
    assert member is not None
    before = member.read()
    assert change.before == hashlib.sha256(before).hexdigest()
    assert hash_git_blob(before) == release(version).notebook_blob
    ast.parse(change.after)
    assert b"# Modified by the tensorboard-proxy-wheels project" in change.after
    assert len(delta.applied) == 1 + len(beside)
    is_native = version in (v for v in RELEASES if load_series(PATCHES / "proxy").is_native(v))
    assert delta.native == (("proxy",) if is_native else ())


def test_the_page_of_2_4_0_has_every_place_once(
    release: Callable[[str], Release], stock_wheel: Callable[[str], Path]
) -> None:
    """What is exchanged in its script as it is served stands there once, and so will not miss."""
    stock = archive.parse_archive(stock_wheel("2.4.0").read_bytes(), "2.4.0")
    delta = make_delta(release("2.4.0"), stock, [load_series(PATCHES / n) for n in NAMES])
    places = next(
        ast.literal_eval(node.value)
        for node in ast.parse(delta.changes[CORE].after).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_BELOW_PREFIX"
    )
    webfiles = stock.find_member("tensorboard/webfiles.zip")
    assert webfiles is not None
    with zipfile.ZipFile(io.BytesIO(webfiles.read())) as web:
        script = web.read("index.js")
    assert [script.count(old) for old, _ in places] == [1, 1, 1, 1]
    for old, new in places:
        script = script.replace(old, new)
    assert script.count(b"prefix$tb") == 4
    assert hashlib.sha256(script).hexdigest() == MENDED_SCRIPT_SHA256


def test_hardening_left_out_ships_native_code(
    release: Callable[[str], Release], stock_wheel: Callable[[str], Path]
) -> None:
    """`--series proxy` changes nothing from 2.3.0 on."""
    stock = archive.parse_archive(stock_wheel("2.21.0").read_bytes(), "stock")
    delta = make_delta(release("2.21.0"), stock, [load_series(PATCHES / "proxy")])
    assert (delta.changes, delta.native) == ({}, ("proxy",))


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


def test_another_blob_is_refused(
    copy: Path, release: Callable[[str], Release], stock_wheel: Callable[[str], Path]
) -> None:
    """A member that is not what the patch was made against is an error that names the path."""
    spoil(copy, "fe0e13aa40bdca3ec75299dce649140507c460a3", "0" * 40)
    stock = archive.parse_archive(stock_wheel("2.2.1").read_bytes(), "stock")
    with pytest.raises(
        PatchError, match=f"{NOTEBOOK_PATH} in the stock wheel is git blob fe0e13aa"
    ):
        make_delta(release("2.2.1"), stock, [load_series(copy)])


def test_a_patch_that_does_not_apply_is_never_forced(
    copy: Path, release: Callable[[str], Release], stock_wheel: Callable[[str], Path]
) -> None:
    """One changed context line stops it."""
    patch = copy / "shell-html.patch"
    patch.write_text(patch.read_text().replace("\n import shlex\n", "\n import shlox\n"))
    stock = archive.parse_archive(stock_wheel("2.2.1").read_bytes(), "stock")
    with pytest.raises(PatchError, match=r"does not apply to 2\.2\.1: .*are not in it"):
        make_delta(release("2.2.1"), stock, [load_series(copy)])


def test_patches_work_on_the_outcome_of_those_before(
    tmp_path: Path, release: Callable[[str], Release], stock_wheel: Callable[[str], Path]
) -> None:
    """A second series sees what the first one made, and fails without it."""
    second = tmp_path / "second"
    shutil.copytree(PATCHES / "proxy", second)
    blob = release("2.2.1").notebook_blob
    (second / "series.toml").write_text(
        'name = "second"\nsummary = "s"\nreleases = "==2.2.1"\n'
        '[[patch]]\nfile = "more.patch"\nreleases = "==2.2.1"\nagainst = "git"\n'
        f'blobs = {{ "{NOTEBOOK_PATH}" = ["{blob}"] }}\n'
    )
    head = (second / "shell-html.patch").read_text().partition("\n---\n")[0]
    (second / "more.patch").write_text(
        f"{head}\n---\n--- a/{NOTEBOOK_PATH}\n+++ b/{NOTEBOOK_PATH}\n@@ -1 +1 @@\n"
        "-def _get_proxy_url(port):\n+def _get_proxy_url(port, more=None):\n"
    )
    stock = archive.parse_archive(stock_wheel("2.2.1").read_bytes(), "stock")
    both = [load_series(PATCHES / "proxy"), load_series(second)]
    delta = make_delta(release("2.2.1"), stock, both)
    assert b"_get_proxy_url(port, more=None)" in delta.changes[NOTEBOOK_PATH].after
    assert [p.label for p in delta.applied] == ["proxy/shell-html.patch", "second/more.patch"]
    with pytest.raises(PatchError, match=r"second/more\.patch does not apply"):
        make_delta(release("2.2.1"), stock, both[1:])


def test_a_missing_member_is_named(
    copy: Path, release: Callable[[str], Release], stock_wheel: Callable[[str], Path]
) -> None:
    """A path that the wheel does not ship cannot be overlaid."""
    for file in (copy / "series.toml", copy / "shell-html.patch"):
        text = file.read_text()
        file.write_text(text.replace("tensorboard/notebook.py", "tensorboard/notebook2.py"))
    (copy / "series.toml").write_text(
        (copy / "series.toml").read_text().split("[[patch]]")[0]
        + "[[patch]]"
        + (copy / "series.toml").read_text().split("[[patch]]")[3]
    )
    stock = archive.parse_archive(stock_wheel("2.2.1").read_bytes(), "stock")
    with pytest.raises(PatchError, match=r"has no tensorboard/notebook2\.py"):
        make_delta(release("2.2.1"), stock, [load_series(copy)])


def test_patches_against_wheels_want_a_pinned_wheel(
    copy: Path, release: Callable[[str], Release], stock_wheel: Callable[[str], Path]
) -> None:
    """`against = "wheel"` applies to what the catalog pins, and to nothing that was looked up."""
    source = copy / "series.toml"
    text = source.read_text().split("[[patch]]")[0]
    entry = 'file = "shell-html.patch"\nreleases = ">=2.2,<2.3"\nagainst = "wheel"\n'
    source.write_text(f"{text}[[patch]]\n{entry}")
    stock = archive.parse_archive(stock_wheel("2.2.1").read_bytes(), "stock")
    pinned = release("2.2.1")
    assert set(make_delta(pinned, stock, [load_series(copy)]).changes) == {NOTEBOOK_PATH}
    with pytest.raises(PatchError, match="the catalog pins"):
        make_delta(replace(pinned, pinned=False), stock, [load_series(copy)])


def test_catalog_has_a_wheel_for_python_3_everywhere() -> None:
    """45 releases, each with the wheel that we build from; 2.11.1 alone is yanked."""
    assert len(CATALOG.releases) == 45
    assert [r.version for r in CATALOG.releases if r.yanked] == ["2.11.1"]
    assert all("-py3-none-any" in r.wheel.filename for r in CATALOG.releases)


def today(tmp_path: Path, *tables: str) -> Path:
    """A series of these entries, for 2.2.1 only."""
    series = tmp_path / "mine"
    series.mkdir(exist_ok=True)
    head = 'name = "mine"\nsummary = "s"\nreleases = "==2.2.1"\n'
    (series / "series.toml").write_text(head + "\n".join(tables))
    return series


CODEMOD = """[[patch]]
codemod = "image-types"
paths = ["tensorboard/plugins/image/*.py"]
releases = ">=1"
against = "wheel"
why = "because"
"""
REQUIREMENT = """[[requirement]]
releases = ">=1"
drop = ["Setuptools"]
add = ["six>=2"]
why = "because"
"""


def test_codemods_and_metadata_edits_become_a_delta(
    tmp_path: Path, release: Callable[[str], Release], stock_wheel: Callable[[str], Path]
) -> None:
    """The members that the globs match and that change; the edits in order."""
    header = '[[header]]\nreleases = ">=1"\nset = { Requires-Python = ">=3.7" }\nwhy = "w"\n'
    drop = REQUIREMENT.replace('"Setuptools"', '"Setuptools", "six"')
    series = load_series(today(tmp_path, CODEMOD, drop, header))
    stock = archive.parse_archive(stock_wheel("2.2.1").read_bytes(), "stock")
    delta = make_delta(release("2.2.1"), stock, [series])
    assert set(delta.changes) == {"tensorboard/plugins/image/images_plugin.py"}
    edits = [(e.action, e.value) for e in delta.metadata]
    assert edits == [("drop", "Setuptools"), ("drop", "six"), ("add", "six>=2"), ("set", ">=3.7")]
    # A codemod guards itself, so that a release which the catalog does not have will do.
    unpinned = make_delta(replace(release("2.2.1"), pinned=False), stock, [series])
    assert unpinned.changes == delta.changes


def test_a_memo_changes_nothing_but_the_time(
    tmp_path: Path, release: Callable[[str], Release], stock_wheel: Callable[[str], Path]
) -> None:
    """With an empty one, a full one and a spoiled one the outcome is the same."""
    series = [load_series(today(tmp_path, CODEMOD))]
    stock = archive.parse_archive(stock_wheel("2.2.1").read_bytes(), "stock")
    cache = Cache(tmp_path / "cache")
    wanted = make_delta(release("2.2.1"), stock, series)
    for _ in range(2):
        assert make_delta(release("2.2.1"), stock, series, cache) == wanted
    kept = [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert kept
    for path in kept:
        path.write_bytes(path.read_bytes() + b"spoiled")
    assert make_delta(release("2.2.1"), stock, series, cache) == wanted


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
    series = today(tmp_path, text.replace(old, new))
    stock = stock_wheel("2.2.1").read_bytes()
    identity = WheelNaming(IdentityKind.TEST, "x").make_identity("2.2.1")
    with pytest.raises(PatchError, match=why) as caught:
        build_overlay(release("2.2.1"), stock, [load_series(series)], identity)
    assert "\n" not in caught.value.message


def test_an_outcome_that_is_no_python_is_refused(
    tmp_path: Path, release: Callable[[str], Release], stock_wheel: Callable[[str], Path]
) -> None:
    """A patch can apply and leave rubbish behind, as forced ones do."""
    copied = shutil.copytree(PATCHES / "proxy", tmp_path / "proxy")
    patch = copied / "shell-html.patch"
    patch.write_text(patch.read_text().replace("+import os\n", "+import os os\n"))
    stock = archive.parse_archive(stock_wheel("2.2.1").read_bytes(), "stock")
    with pytest.raises(PatchError, match="its outcome is no Python") as caught:
        make_delta(release("2.2.1"), stock, [load_series(copied)])
    assert "\n" not in caught.value.message
