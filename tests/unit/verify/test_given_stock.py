"""`check --stock FILE`: the file is the one that the catalog pins, or that is a finding (D708)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.support import forge
from tests.support.small_release import UNTOUCHED, VERSION, Checked, run_check
from tests.support.wheels import small_wheel

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support.forge import File
    from tests.support.small_release import SmallRelease

Check = Callable[..., Checked]


def place(file: File, directory: Path) -> str:
    """The path of the file, written beside the wheel under check."""
    path = directory / "stock" / file.filename
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(file.content)
    return str(path)


def test_the_pinned_file_is_no_finding(small: SmallRelease, check: Check, tmp_path: Path) -> None:
    """Named or fetched, it is the same file."""
    stock = place(small_wheel().stock, tmp_path)
    assert check(small.wheel, None, "--stock", stock).code == 0


def test_another_file_is_a_finding(
    small: SmallRelease, check: Check, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even where no member differs: a comment behind the directory of the same archive."""
    stock = small_wheel().stock
    same = stock._replace(content=forge.write(forge.read(stock.content), comment=b"x"))
    checked = check(small.wheel, small.statement, "--stock", place(same, tmp_path))
    assert (checked.code, checked.message.endswith("fails D708")) == (6, True), checked
    assert f"new D708 {stock.filename}: its sha256 is " in capsys.readouterr().out


def test_a_spoiled_wheel_does_not_bring_its_stock_wheel(
    spoiled: File, check: Check, tmp_path: Path
) -> None:
    """A stock wheel that was spoiled alike hides D703, and is told of by D708."""
    stock = forge.edit(small_wheel().stock, UNTOUCHED, lambda text: text + b"SPOILED = True\n")
    checked = check(spoiled, None, "--stock", place(stock, tmp_path))
    assert (checked.code, "D708" in checked.message) == (6, True), checked
    assert "D703" not in checked.message


def test_a_release_without_a_pin_is_unchecked(
    small: SmallRelease, check: Check, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a version that the catalog does not have, nobody knows which file is the stock wheel."""
    assert check(small.wheel, None).code == 0
    unknown = tmp_path / small.wheel.filename.replace(VERSION, "2.2.9")
    unknown.write_bytes(small.wheel.content)
    capsys.readouterr()
    run_check(small, unknown, "--stock", place(small_wheel().stock, tmp_path))
    printed = capsys.readouterr()
    assert "unchecked D708" in printed.out
    assert "is not in the catalog" in printed.err
