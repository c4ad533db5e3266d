"""What the series make of wheels, and where they refuse."""

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
from builder.model import NOTEBOOK_PATH
from builder.patching.delta import make_delta
from builder.patching.series import load_series
from builder.releases.cache import Cache
from builder.today.normalise import MENDED_SCRIPT_SHA256
from builder.wheel import archive
from builder.wheel.blobs import hash_git_blob
from tests.support.releases import CATALOG, RELEASES
from tests.support.series import CODEMOD, NAMES, PATCHES, REQUIREMENT, make_series, spoil

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.model import Release

CORE = "tensorboard/plugins/core/core_plugin.py"


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


def test_codemods_and_metadata_edits_become_a_delta(
    tmp_path: Path, release: Callable[[str], Release], stock_wheel: Callable[[str], Path]
) -> None:
    """The members that the globs match and that change; the edits in order."""
    header = '[[header]]\nreleases = ">=1"\nset = { Requires-Python = ">=3.7" }\nwhy = "w"\n'
    drop = REQUIREMENT.replace('"Setuptools"', '"Setuptools", "six"')
    series = load_series(make_series(tmp_path, CODEMOD, drop, header))
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
    series = [load_series(make_series(tmp_path, CODEMOD))]
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
