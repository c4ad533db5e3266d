"""`%tensorboard` reuses what its own user runs, and nothing where owners cannot be told."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from builder.system.ports import can_connect, find_free_port
from builder.system.waiting import wait_for
from tests.support import needs
from tests.support.environments import Place, our_wheel, stock_wheel
from tests.support.users import ALICE, MALLORY, PYTHON, RELEASES, ROOT_USER, WAIT, Machine, share

if TYPE_CHECKING:
    from pathlib import Path


def test_what_root_says_is_believed(installed_release: str, machine: Machine) -> None:
    """Root's TensorBoard and root's file are as good as one's own."""
    del installed_release
    share(machine, MALLORY)
    with machine.serving(ROOT_USER, machine.shared / "pid-1.info") as port:
        assert machine.ask(ALICE, "known") == [port]


def test_where_owners_cannot_be_told(
    installed_release: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows: the shared directory alone, and every file in it, as stock has it."""
    del installed_release
    monkeypatch.setenv("WITHOUT_OWNERS", "1")
    share(machine, MALLORY)
    with (
        machine.serving(MALLORY, machine.shared / "pid-1.info") as his,
        machine.registered(ALICE, hers := find_free_port()) as name,
    ):
        assert machine.ask(ALICE, "known") == sorted([his, hers])
        files = {path.name for path in machine.temporary.glob(".tensorboard-info*/*")}
        assert files == {"pid-1.info", name}
    assert not (machine.shared / name).exists()


@pytest.mark.parametrize("owner", [ALICE, MALLORY])
def test_stock_ones_and_ours_find_each_other(
    machine: Machine, home: Place, tmp_path: Path, owner: int
) -> None:
    """One user's TensorBoards of both kinds know each other, in whoever's shared directory."""
    home.replace(our_wheel("2.21.0", tmp_path))
    stock = Place(machine.workdir / "stock", needs.python(PYTHON))
    stock.install(stock_wheel("2.21.0", tmp_path))
    share(machine, owner)
    first, second = find_free_port(), find_free_port()
    with (
        machine.registered(ALICE, first),
        machine.registered(ALICE, second, stock.python),
    ):
        assert machine.ask(ALICE, "known") == sorted([first, second])
        assert machine.ask(ALICE, "known", python=stock.python) == sorted([first, second])


@pytest.mark.parametrize("installed_release", RELEASES[1:], indirect=True)
def test_tensorboard_is_reused_by_its_own_user(
    installed_release: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`%tensorboard` starts one beside Mallory's, reuses it, and starts another when it is dead."""
    del installed_release
    # At 6006 a TensorBoard of another test may be next, which is root's: Alice would believe that.
    monkeypatch.setenv("MORE_ARGUMENTS", f"--port {find_free_port()}")
    share(machine, MALLORY)
    with machine.serving(MALLORY, machine.shared / "pid-1.info") as his:
        first = machine.ask(ALICE, "start")
        try:
            assert (first["result"], first["port"] == his) == ("StartLaunched", False), first
            again = machine.ask(ALICE, "start")
            assert (again["result"], again["pid"]) == ("StartReused", first["pid"])
            assert machine.ask(MALLORY, "known") == [his]
        finally:
            os.kill(first["pid"], signal.SIGKILL)
        _wait_until_free(first["port"])
        known = _find_registered(machine)
        other = machine.ask(ALICE, "start")
        assert (other["result"], other["port"]) == ("StartLaunched", first["port"]), other
        # `start` may still tell the dead one's process, by its file: the new one listens on the
        # same port before it writes a file of its own.
        new = wait_for(lambda: _find_registered(machine) - known or None, WAIT)
        assert new is not None, known
        os.kill(new.pop(), signal.SIGTERM)


def _find_registered(machine: Machine) -> set[int]:
    """The processes that have said, in a file each, that they are TensorBoards."""
    files = machine.temporary.glob(".tensorboard-info*/pid-*.info")
    return {int(path.stem.removeprefix("pid-")) for path in files}


def _wait_until_free(port: int) -> None:
    """Until nobody listens: a killed program is a zombie while a thread of it still does."""
    assert wait_for(lambda: not can_connect("127.0.0.1", port) or None, WAIT)
