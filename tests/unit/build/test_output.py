"""builder.build.output: together or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from builder.build.output import Placement, place_wheel
from builder.errors import InterruptedRunError, OutputError
from builder.provenance.statements import get_provenance_path

if TYPE_CHECKING:
    from pathlib import Path


def put(target: Path, content: bytes, statement: bytes = b"s", *, force: bool = False) -> Placement:
    """Place a wheel, with nothing that interrupts."""
    sha256 = hashlib.sha256(content).hexdigest()
    return place_wheel(
        target, [content], sha256, statement, force=force, check_cancelled=lambda: None
    )


def snapshot(directory: Path) -> dict[str, bytes]:
    """Every file below, with its bytes."""
    return {
        str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()
    }


def test_wheel_and_statement_appear(tmp_path: Path) -> None:
    """In a directory that is made for them, with nothing else in it."""
    target = tmp_path / "new" / "a.whl"
    assert put(target, b"one") is Placement.WRITTEN
    assert snapshot(tmp_path / "new") == {"a.whl": b"one", "a.whl.provenance.json": b"s"}


def test_identical_is_already_there(tmp_path: Path) -> None:
    """A lost statement is written again."""
    target = tmp_path / "a.whl"
    put(target, b"one", b"first")
    assert put(target, b"one", b"first") is Placement.ALREADY_THERE
    get_provenance_path(target).unlink()
    put(target, b"one", b"third")
    assert get_provenance_path(target).read_bytes() == b"third"


def test_a_spoiled_statement_is_written_again(tmp_path: Path) -> None:
    """The wheel is right and what stands beside it is not: the next build mends it."""
    target = tmp_path / "a.whl"
    put(target, b"one", b"first")
    get_provenance_path(target).write_bytes(b"garbage")
    assert put(target, b"one", b"first") is Placement.REPLACED
    assert snapshot(tmp_path) == {"a.whl": b"one", "a.whl.provenance.json": b"first"}


def test_runs_of_different_content_keep_pairs_together(tmp_path: Path) -> None:
    """Many threads place one of two wheels: whichever is there has its own statement."""
    target = tmp_path / "a.whl"

    def one(content: bytes) -> None:
        with contextlib.suppress(OutputError):
            put(target, content, b"of " + content, force=content == b"two")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, [b"one", b"two"] * 40))
    found = snapshot(tmp_path)
    assert found == {"a.whl": found["a.whl"], "a.whl.provenance.json": b"of " + found["a.whl"]}


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_what_is_no_file_is_no_statement(tmp_path: Path, kind: str) -> None:
    """It is replaced, and nobody waits for what it would say."""
    target = tmp_path / "a.whl"
    put(target, b"one", b"first")
    provenance = get_provenance_path(target)
    for force in (False, True):
        provenance.unlink()
        if kind == "fifo":
            os.mkfifo(provenance)
        else:
            provenance.symlink_to("/dev/zero")
        put(target, b"one", b"second", force=force)
        assert provenance.read_bytes() == b"second"


def test_different_is_refused_unless_forced(tmp_path: Path) -> None:
    """Nothing is lost without --force."""
    target = tmp_path / "a.whl"
    put(target, b"one", b"first")
    before = snapshot(tmp_path)
    with pytest.raises(OutputError, match="already and has other content"):
        put(target, b"two", b"second")
    assert snapshot(tmp_path) == before
    assert put(target, b"two", b"second", force=True) is Placement.REPLACED
    assert snapshot(tmp_path) == {"a.whl": b"two", "a.whl.provenance.json": b"second"}


def test_an_interruption_leaves_the_directory_as_it_was(tmp_path: Path) -> None:
    """Whether there was something or nothing."""
    target = tmp_path / "a.whl"

    def cancelled() -> None:
        raise InterruptedRunError("interrupted", "")

    for _ in range(2):
        before = snapshot(tmp_path)
        with pytest.raises(InterruptedRunError):
            place_wheel(target, [b"two"], "0" * 64, b"s", force=True, check_cancelled=cancelled)
        assert snapshot(tmp_path) == before
        put(target, b"one")


def test_a_wheel_that_cannot_be_renamed_takes_its_statement_along(tmp_path: Path) -> None:
    """The rename of the wheel fails after the statement's: the old statement comes back."""
    target = tmp_path / "a.whl"
    put(target, b"one", b"first")
    target.unlink()
    provenance = get_provenance_path(target)

    def block() -> None:
        target.mkdir()  # nothing can be renamed onto a directory

    with pytest.raises(OutputError):
        place_wheel(target, [b"two"], "0" * 64, b"second", force=True, check_cancelled=block)
    assert provenance.read_bytes() == b"first"
    assert sorted(p.name for p in tmp_path.iterdir()) == [target.name, provenance.name]


def test_a_faster_parallel_run_wins(tmp_path: Path) -> None:
    """Another run places the same or another wheel just before our rename."""
    for theirs, fits in ((b"two", True), (b"three", False)):
        target = tmp_path / theirs.decode() / "a.whl"

        def meanwhile(target: Path = target, theirs: bytes = theirs) -> None:
            put(target, theirs, b"theirs")

        sha256 = hashlib.sha256(b"two").hexdigest()
        if fits:
            place_wheel(target, [b"two"], sha256, b"theirs", force=False, check_cancelled=meanwhile)
        else:
            with pytest.raises(OutputError, match="other content"):
                place_wheel(
                    target, [b"two"], sha256, b"ours", force=False, check_cancelled=meanwhile
                )
            assert get_provenance_path(target).read_bytes() == b"theirs"
        assert target.read_bytes() == theirs


def test_a_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    """One line, with the path."""
    (tmp_path / "dist").write_text("a file")
    with pytest.raises(OutputError, match=r"dist/a\.whl cannot be written"):
        put(tmp_path / "dist" / "a.whl", b"one")
