"""Two users on one machine: `%tensorboard` believes nobody but its own user, and root.

The users are real ones (uids that nobody has), and so are files, sockets and TensorBoards.
"""

from __future__ import annotations

import json
import os
import shutil
import stat

import pytest

from builder.system.ports import find_free_port
from tests.support import needs
from tests.support.users import ALICE, MALLORY, ROOT_USER, WAIT, Machine, read_line, share


@pytest.mark.parametrize("owner", [ALICE, MALLORY, ROOT_USER])
def test_a_strangers_file_is_not_believed(
    installed_release: str, machine: Machine, owner: int
) -> None:
    """Whoever has made the directory: of Mallory's file and of his links nothing is believed."""
    del installed_release
    share(machine, owner)
    with machine.serving(MALLORY, machine.shared / "pid-1.info"):
        assert machine.ask(ALICE, "known") == []
    # Files of Alice's own, lying elsewhere, that Mallory gives a name there.
    with machine.serving(ALICE, machine.temporary / "hers") as port:
        (machine.shared / "pid-2.info").symlink_to(machine.temporary / "hers")
        (machine.shared / "pid-3.info").hardlink_to(machine.temporary / "hers")
        assert machine.ask(ALICE, "known") == []
        shutil.copy(machine.temporary / "hers", machine.shared / "pid-4.info")
        os.chown(machine.shared / "pid-4.info", ALICE, ALICE)
        assert machine.ask(ALICE, "known") == [port]  # the control: a plain file of hers


def test_nothing_in_the_directory_stops_it(installed_release: str, machine: Machine) -> None:
    """A pipe, a directory, a link to itself, no text, a file that nobody may read."""
    del installed_release
    share(machine, MALLORY)
    os.mkfifo(machine.shared / "pid-1.info")
    (machine.shared / "pid-2.info").mkdir()
    (machine.shared / "pid-3.info").symlink_to("pid-3.info")
    (machine.shared / "pid-4.info").write_bytes(b"\xff\xfe{")
    (machine.shared / "pid-5.info").touch(mode=0)
    for path in machine.shared.iterdir():
        os.chown(path, ALICE, ALICE, follow_symlinks=False)
    with machine.serving(ALICE, machine.shared / "pid-6.info") as port:
        assert machine.ask(ALICE, "known") == [port]


def test_a_port_that_is_a_strangers_now(installed_release: str, machine: Machine) -> None:
    """What a dead TensorBoard of hers has left is not believed once a stranger has its port."""
    del installed_release
    share(machine, ALICE)
    path = machine.shared / "pid-1.info"
    with machine.serving(ALICE, path) as port:
        assert machine.ask(ALICE, "known") == [port]
    assert machine.ask(ALICE, "known") == [port]  # as in every release: nobody listens there
    with machine.serving(MALLORY) as port:
        facts = json.loads(path.read_text())
        path.write_text(json.dumps({**facts, "port": port}))
        assert machine.ask(ALICE, "known") == []


def test_a_stranger_beside_it_on_localhost(installed_release: str, machine: Machine) -> None:
    """Who has the port on another address of `localhost` could be framed: it is said, and why."""
    del installed_release
    share(machine, ALICE)
    port = find_free_port()
    with (
        machine.start(ALICE, "serve", str(port), str(machine.shared / "pid-1.info")) as hers,
        machine.start(MALLORY, "serve", str(port), "", "::1") as his,
    ):
        if not (read_line(hers) and read_line(his)):
            needs.lacking("there is no IPv6 on the loopback")
        process = machine.start(ALICE, "known")
        out, said = process.communicate(timeout=WAIT)
        assert json.loads(out) == []
        assert f"Another user (uid {MALLORY}) listens on port {port} too" in said
        for server in (hers, his):
            server.communicate(timeout=WAIT)


@pytest.mark.parametrize("how", ["absent", "his", "closed", "a link", "a file", "all names"])
def test_a_directory_of_a_strangers_hides_nothing(
    installed_release: str, machine: Machine, how: str
) -> None:
    """Whatever Mallory does with the names: Alice's TensorBoard is found, and gone at its end."""
    del installed_release
    elsewhere = machine.temporary / "elsewhere"
    elsewhere.mkdir(mode=0o777)
    if how == "a link":
        machine.shared.symlink_to(elsewhere)
    elif how == "a file":
        machine.shared.touch()
    elif how != "absent":
        share(machine, MALLORY, 0o700 if how == "closed" else 0o777)
    if how == "all names":
        (machine.temporary / f".tensorboard-info-{ALICE}").mkdir(mode=0o777)
    with machine.registered(ALICE, find_free_port()) as name:
        assert len(machine.ask(ALICE, "known")) == 1
        own = [p for p in machine.temporary.glob(".tensorboard-info-*") if p.stat().st_uid == ALICE]
        assert [stat.S_IMODE(path.stat().st_mode) for path in own] == [0o700]
        assert (own[0] / name).exists()
        assert list(elsewhere.iterdir()) == []
        assert machine.ask(MALLORY, "known") == []
    assert machine.ask(ALICE, "known") == []
    assert not list(machine.temporary.glob(".tensorboard-info*/*.info"))


def test_no_link_is_written_through(installed_release: str, machine: Machine) -> None:
    """A link that Mallory has put where her file goes does not lead to another file of hers."""
    del installed_release
    share(machine, MALLORY)
    hers = machine.temporary / "hers"
    hers.write_text("precious")
    os.chown(hers, ALICE, ALICE)
    with machine.registered(ALICE, find_free_port(), link_to=hers):
        assert hers.read_text() == "precious"
        assert len(machine.ask(ALICE, "known")) == 1
