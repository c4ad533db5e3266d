"""A statement cannot excuse: whatever is forged in one, no wheel gets a milder verdict."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from builder.verify.statement_file import MAX_STATEMENT
from tests.support.forged_statements import FORGERIES, Forgery, write_forgery
from tests.support.releases import ROOT
from tests.support.small_release import Checked, run_check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.forge import File
    from tests.support.small_release import SmallRelease

Check = Callable[..., Checked]
every_forgery = pytest.mark.parametrize("forgery", FORGERIES, ids=[f.name for f in FORGERIES])
MODES = pytest.mark.parametrize("options", [(), ("--provenance",)], ids=["check", "provenance"])


def test_the_controls(small: SmallRelease, spoiled: File, check: Check) -> None:
    """Without a statement: the good wheel passes, the spoiled and the unpatched one do not."""
    assert check(small.wheel, None).code == 0
    assert check(spoiled, None).code == check(small.unpatched, None).code == 6
    assert check(small.wheel, small.statement, "--provenance").code == 0


@every_forgery
@MODES
def test_a_spoiled_wheel_stays_one(
    small: SmallRelease, spoiled: File, check: Check, forgery: Forgery, options: tuple[str, ...]
) -> None:
    """New findings win over everything that a statement makes of the wheel."""
    checked = check(spoiled, write_forgery(forgery, small.statement, spoiled), *options)
    assert (checked.code, "D703" in checked.message) == (6, True), checked


@every_forgery
@MODES
def test_stock_code_never_passes_by_a_statement(
    small: SmallRelease, check: Check, forgery: Forgery, options: tuple[str, ...]
) -> None:
    """A wheel without the series that were asked for does not pass by saying so."""
    checked = check(
        small.unpatched, write_forgery(forgery, small.statement, small.unpatched), *options
    )
    assert (checked.code, "D704" in checked.message) == (6, True), checked


@every_forgery
def test_a_good_wheel_is_told_of_a_forged_statement(
    small: SmallRelease, check: Check, forgery: Forgery, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a rebuild gives is compared; what nobody can verify is printed as such, and no more."""
    content = write_forgery(forgery, small.statement, small.wheel)
    checked = check(small.wheel, content, "--provenance")
    assert checked.code == forgery.code, checked
    if checked.code == 0:
        told = capsys.readouterr().out
        (line,) = re.findall(r"not verified: (.*)", told)
        path, _, value = forgery.name.partition("=")
        field = re.sub(r"^predicate\.|buildDefinition\.|runDetails\.", "", path)
        if value and field != "internalParameters.backend":
            assert field.split(".")[-1] in line


def test_each_kind_of_file_beside_a_wheel(
    small: SmallRelease, spoiled: File, check: Check, tmp_path: Path
) -> None:
    """A FIFO, a device, a directory: they are no statement, and hold nobody up."""
    beside = tmp_path / f"{spoiled.filename}.provenance.json"
    for make in (
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(tmp_path),
    ):
        make(beside)
        assert check(spoiled, None).code == check(spoiled, None, "--provenance").code == 6
        good = check(small.wheel, None)
        assert (good.code, "is no statement of ours" in good.message) == (8, True) or (
            "cannot be read" in good.message
        ), good
        beside.unlink()


def test_a_statement_of_another_file_is_not_used(small: SmallRelease, check: Check) -> None:
    """Its series, say, which would let stock code pass as what it is said to be."""
    unpatched = small.statement.replace(b'"proxy",', b"").replace(b'"security"', b"")
    checked = check(small.unpatched, unpatched)
    assert checked.code == 6
    checked = check(small.wheel, small.statement.replace(b'"sha256": "', b'"sha256": "0', 1))
    assert (checked.code, "is not the file that its provenance" in checked.message) == (8, True)


@MODES
def test_series_that_only_the_statement_names(
    small: SmallRelease,
    check: Check,
    options: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They are told, and used only where somebody asks for them."""
    checked = check(small.unpatched, small.unpatched_statement, *options)
    assert (checked.code, "D704" in checked.message) == (6, True)
    assert checked.hint.endswith("if it should have what its provenance says: --series none")
    told = capsys.readouterr().err
    assert "compared with the series proxy, security; by its provenance it has no series" in told
    asked = check(small.unpatched, small.unpatched_statement, *options, "--series", "none")
    assert asked.code == 0


def test_a_finding_wins_over_what_is_unchecked_in_another_wheel(
    small: SmallRelease, spoiled: File, check: Check, tmp_path: Path
) -> None:
    """Of several wheels, too, the exit code is that of the worst, and not the highest number."""
    bazel = next(f for f in FORGERIES if "Bazel" in f.name)
    other = tmp_path / "other"
    other.mkdir()
    (other / spoiled.filename).write_bytes(spoiled.content)
    good = check(small.wheel, write_forgery(bazel, small.statement, small.wheel), "--provenance")
    assert good.code == 9
    words = (tmp_path / small.wheel.filename, other / spoiled.filename, "--provenance")
    assert run_check(small, *words).code == 6


def test_a_statement_has_room(small: SmallRelease) -> None:
    """The bound is far above what is written for a real release, and for the small one."""
    kept = ROOT / "tests" / "statements" / f"{small.wheel.filename}.provenance.json"
    assert max(len(small.statement), kept.stat().st_size) * 100 < MAX_STATEMENT


@pytest.mark.parametrize("depth", [100, 500, 900, 990, 1_100, 3_000, 9_000, 20_000])
def test_deep_fields_are_no_fault_of_ours(small: SmallRelease, check: Check, depth: int) -> None:
    """Each depth that the reader accepts can be printed as well; the others are refused."""
    deep = b'{"x": ' + b"[" * depth + b"]" * depth + b", " + small.statement.lstrip()[1:]
    assert check(small.wheel, deep, "--provenance").code in (0, 8)
