"""builder.verify.deep: wheels are really installed and started, in their own era."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from builder.model import FindingStatus, IdentityKind, Release
from builder.patching.identity import WheelNaming
from builder.patching.overlay import build_overlay
from builder.releases.eras import get_era
from builder.verify import deep
from builder.verify.deep import WheelBytes
from builder.wheel import archive
from builder.wheel.rewrite import WheelRewrite, rewrite_wheel
from builder.wheel.serialize import CopiedMember, StoredMember, serialize_archive
from tests.support import needs
from tests.support.releases import CATALOG, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.model import Finding

FILENAME = "tensorboardtmp-2.21.0-py3-none-any.whl"
IMPORTED = "tensorboard/notebook.py"


@pytest.fixture
def newest(release: Callable[[str], Release], stock_wheel: Callable[[str], Path]) -> WheelBytes:
    """2.21.0 under the test name: the release whose era is the most likely to be at hand."""
    era = get_era(release("2.21.0"))
    needs.python(era.python)
    identity = WheelNaming(IdentityKind.TEST, "tensorboardtmp").make_identity("2.21.0")
    overlay = build_overlay(release("2.21.0"), stock_wheel("2.21.0").read_bytes(), [], identity)
    return WheelBytes(overlay.filename, overlay.content)


def spoil(wheel: WheelBytes, changes: dict[str, bytes], without: str = "") -> WheelBytes:
    """The wheel with other members, and with a RECORD that says so."""
    parsed = archive.parse_archive(wheel.content, "x")
    kept = b"".join(
        serialize_archive(CopiedMember(m, m.name) for m in parsed.members if m.name != without)
    )
    content = b"".join(rewrite_wheel(archive.parse_archive(kept, "x"), WheelRewrite(changes), "x"))
    if not without:
        return WheelBytes(FILENAME, content)
    made = archive.parse_archive(content, "x")
    listing = made.members[-1].read().splitlines(keepends=True)
    lines = b"".join(line for line in listing if not line.startswith(without.encode()))
    return WheelBytes(
        FILENAME,
        b"".join(
            serialize_archive(
                [
                    *(CopiedMember(m, m.name) for m in made.members[:-1]),
                    StoredMember(made.members[-1].name, lines),
                ]
            )
        ),
    )


def behaviour(wheel: WheelBytes, stock: WheelBytes | None = None) -> list[Finding]:
    """What is found when it is run."""
    found = CATALOG.find_release("2.21.0")
    return deep.check_behaviour(wheel, stock, found, needs.context())


def test_a_good_wheel_starts(newest: WheelBytes) -> None:
    """Installed as RECORD says, imported, started, and the page is TensorBoard's."""
    renamed = spoil(newest, {"tensorboard/version.py": b"VERSION = '2.21.0'\n"})
    assert behaviour(renamed) == []


def test_a_wheel_without_its_page_is_caught(newest: WheelBytes) -> None:
    """The server answers 200 with a placeholder: looked at, not believed."""
    bare = spoil(newest, {}, without="tensorboard/webfiles.zip")
    (finding,) = behaviour(bare)
    assert (finding.code, finding.status) == ("B804", FindingStatus.NEW)
    assert "200 without the root element" in finding.detail


def test_a_broken_import_is_caught(newest: WheelBytes) -> None:
    """New, since the stock wheel imports."""
    broken = spoil(newest, {IMPORTED: b"import no_such_module\n"})
    assert [(f.code, f.status) for f in behaviour(broken, newest)] == [("B802", FindingStatus.NEW)]


def test_a_wheel_that_does_not_install_is_caught(newest: WheelBytes) -> None:
    """Uv refuses it, the reason is in the finding; what stock fails as well is inherited."""
    stale = WheelBytes("tensorboardtmp-9.9.9-py3-none-any.whl", newest.content)
    (finding,) = behaviour(stale)
    assert (finding.code, finding.status) == ("B801", FindingStatus.NEW)
    assert "9.9.9" in finding.detail
    assert [f.status for f in behaviour(stale, stale)] == [FindingStatus.INHERITED]


def test_without_a_release_nothing_is_claimed(newest: WheelBytes) -> None:
    """Its era is unknown: unchecked, never passed."""
    found = deep.check_behaviour(newest, None, None, needs.context())
    assert {f.status for f in found} == {FindingStatus.UNCHECKED}
    assert [f.code for f in found] == ["B801", "B802", "B803", "B804"]


def test_nothing_is_left_behind(newest: WheelBytes, tmp_path: Path) -> None:
    """No server survives a check, and no directory."""
    (tmp_path / FILENAME).write_bytes(newest.content)
    words = [sys.executable, "-m", "builder", "check", "--deep", "--series", "none", FILENAME]
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert "B80" not in done.stdout, done.stdout
    assert [p.name for p in tmp_path.iterdir()] == [FILENAME]
    with_room = [p for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(p.info)]
    assert with_room == []
