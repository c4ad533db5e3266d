"""A statement cannot excuse: whatever is forged in one, no wheel gets a milder verdict."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from builder.cli import cli
from builder.errors import BuilderError
from builder.verify.statement_file import MAX_STATEMENT
from tests.support import forge
from tests.support.forged_statements import (
    FORGERIES,
    UNTOUCHED,
    Forgery,
    SmallRelease,
    make_small_release,
    write_forgery,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.forge import File

every_forgery = pytest.mark.parametrize("forgery", FORGERIES, ids=[f.name for f in FORGERIES])
MODES = pytest.mark.parametrize("options", [(), ("--provenance",)], ids=["check", "provenance"])


class Checked(NamedTuple):
    """The exit code of a run, and what its error said."""

    code: int
    message: str = ""
    hint: str = ""


if TYPE_CHECKING:
    Check = Callable[..., Checked]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallRelease:
    """The small release, built once."""
    return make_small_release(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def spoiled(small: SmallRelease) -> File:
    """Its wheel with one line more in a module that no patch changes, and a RECORD to match."""
    return forge.edit(small.wheel, UNTOUCHED, lambda text: text + b"SPOILED = True\n")


@pytest.fixture
def check(small: SmallRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Check a wheel with this file, or none, beside it."""
    for name, value in small.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(small.directory)

    def run(wheel: File, statement: bytes | None, *options: str) -> Checked:
        path = tmp_path / wheel.filename
        path.write_bytes(wheel.content)
        if statement is not None:
            (tmp_path / f"{wheel.filename}.provenance.json").write_bytes(statement)
        return run_check(small, path, *options)

    return run


def run_check(small: SmallRelease, *words: Path | str) -> Checked:
    """Run the verb in this process."""
    try:
        code = cli.main(["check", *map(str, words), *small.words], standalone_mode=False)
    except BuilderError as error:
        return Checked(error.exit_code, error.message, error.hint)
    return Checked(code)


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
        assert (good.code, "is no regular file" in good.message) == (8, True) or (
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
    """The bound is far above what is written: this one is small, and the largest has 60 kB."""
    assert len(small.statement) * 100 < MAX_STATEMENT
