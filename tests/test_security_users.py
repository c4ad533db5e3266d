"""Two users on one machine: `%tensorboard` believes nobody but its own user, and root.

The users are real ones (uids that nobody has), and so are files, sockets and TensorBoards.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from builder.system.ports import can_connect, find_free_port
from builder.system.waiting import wait_for
from tests.support import needs
from tests.support.interplay import Place, our_wheel, stock_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIVER = Path(__file__).parent.joinpath("support/users_driver.py")
ALICE, MALLORY, ROOT_USER = 4001, 4002, 0
# One of each form of `manager.py`; 1.13 has no server without the TensorFlow of its time.
RELEASES = ["1.13.1", "1.14.0", "2.2.1", "2.11.2", "2.21.0"]
PYTHON = "3.12"
WAIT = 60.0


class Machine(NamedTuple):
    """A machine with some users.

    Attributes:
        python: of an environment with a TensorBoard in it.
        room: a directory that all of them may enter.
        prefix: the words that make somebody a user; `{uid}` is theirs.
    """

    python: Path
    workdir: Path
    prefix: tuple[str, ...]

    @property
    def temporary(self) -> Path:
        """The directory for everybody's temporary files."""
        return self.workdir / "tmp"

    @property
    def shared(self) -> Path:
        """Where TensorBoards tell of themselves."""
        return self.temporary / ".tensorboard-info"

    def start(self, uid: int, *words: str, python: Path | None = None) -> subprocess.Popen[str]:
        """Run the driver as a user."""
        python = python or self.python
        env = {**os.environ, "TMPDIR": str(self.temporary), "HOME": str(self.workdir)}
        env["PATH"] = f"{python.parent}:{os.environ['PATH']}"
        return subprocess.Popen(
            [*(word.format(uid=uid) for word in self.prefix), str(python), str(DRIVER), *words],
            cwd=self.workdir,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, uid: int, *words: str, python: Path | None = None) -> Any:
        """What the driver answers to a user."""
        with self.start(uid, *words, python=python) as process:
            out, _ = process.communicate(timeout=WAIT)
        assert process.returncode == 0, words
        return json.loads(out)

    @contextmanager
    def serving(self, uid: int, path: Path | str = "") -> Iterator[int]:
        """A server of a user's, and a file that says that it is Alice's TensorBoard; its port."""
        with self.start(uid, "serve", str(find_free_port()), str(path)) as process:
            yield json.loads(_line(process))
            process.communicate(timeout=WAIT)

    @contextmanager
    def registered(
        self, uid: int, port: int, python: Path | None = None, *, link_to: Path | None = None
    ) -> Iterator[str]:
        """A TensorBoard of a user's that has told of itself; the name of its file.

        Where `link_to` is given, Mallory has put a link of that name there before.
        """
        with self.start(uid, "register", str(port), python=python) as process:
            name = f"pid-{_line(process).strip()}.info"
            if link_to is not None:
                (self.shared / name).symlink_to(link_to)
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
            assert json.loads(_line(process))
            yield name
            process.communicate(timeout=WAIT)
        assert process.returncode == 0


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.fixture(scope="module")
def home() -> Iterator[Place]:
    """An environment that every user may enter, into which each release is put in its turn."""
    needs.other_users()
    workdir = Path(tempfile.mkdtemp(prefix="tb-users-"))
    workdir.chmod(0o755)
    yield Place(workdir / "place", needs.python(PYTHON))
    shutil.rmtree(workdir)


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest, home: Place, tmp_path: Path) -> str:
    """A release, which is in that environment now."""
    version = str(request.param)
    home.replace(our_wheel(version, tmp_path))
    return version


@pytest.fixture
def machine(home: Place) -> Iterator[Machine]:
    """A machine without any TensorBoard yet."""
    workdir = Path(tempfile.mkdtemp(prefix="machine-", dir=home.workdir))
    made = Machine(home.python, workdir, needs.other_users(home.python))
    made.temporary.mkdir()
    made.temporary.chmod(0o1777)
    (workdir / "logs").mkdir()
    workdir.chmod(0o755)
    yield made
    shutil.rmtree(workdir)


def share(machine: Machine, owner: int, mode: int = 0o777) -> None:
    """Let a user make the shared directory, as the first TensorBoard of a machine does."""
    machine.shared.mkdir()
    machine.shared.chmod(mode)
    os.chown(machine.shared, owner, owner)


@pytest.mark.parametrize("owner", [ALICE, MALLORY, ROOT_USER])
def test_a_strangers_file_is_not_believed(release: str, machine: Machine, owner: int) -> None:
    """Whoever has made the directory: of Mallory's file and of his links nothing is believed."""
    del release
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


def test_nothing_in_the_directory_stops_it(release: str, machine: Machine) -> None:
    """A pipe, a directory, a link to itself, no text, a file that nobody may read."""
    del release
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


def test_what_root_says_is_believed(release: str, machine: Machine) -> None:
    """Root's TensorBoard and root's file are as good as one's own."""
    del release
    share(machine, MALLORY)
    with machine.serving(ROOT_USER, machine.shared / "pid-1.info") as port:
        assert machine.ask(ALICE, "known") == [port]


def test_a_port_that_is_a_strangers_now(release: str, machine: Machine) -> None:
    """What a dead TensorBoard of hers has left is not believed once a stranger has its port."""
    del release
    share(machine, ALICE)
    path = machine.shared / "pid-1.info"
    with machine.serving(ALICE, path) as port:
        assert machine.ask(ALICE, "known") == [port]
    assert machine.ask(ALICE, "known") == [port]  # as in every release: nobody listens there
    with machine.serving(MALLORY) as port:
        facts = json.loads(path.read_text())
        path.write_text(json.dumps({**facts, "port": port}))
        assert machine.ask(ALICE, "known") == []


def test_a_stranger_beside_it_on_localhost(release: str, machine: Machine) -> None:
    """Who has the port on another address of `localhost` could be framed: it is said, and why."""
    del release
    share(machine, ALICE)
    port = find_free_port()
    with (
        machine.start(ALICE, "serve", str(port), str(machine.shared / "pid-1.info")) as hers,
        machine.start(MALLORY, "serve", str(port), "", "::1") as his,
    ):
        if not (_line(hers) and _line(his)):
            needs.lacking("there is no IPv6 on the loopback")
        process = machine.start(ALICE, "known")
        out, said = process.communicate(timeout=WAIT)
        assert json.loads(out) == []
        assert f"Another user (uid {MALLORY}) listens on port {port} too" in said
        for server in (hers, his):
            server.communicate(timeout=WAIT)


@pytest.mark.parametrize("how", ["absent", "his", "closed", "a link", "a file", "all names"])
def test_a_directory_of_a_strangers_hides_nothing(release: str, machine: Machine, how: str) -> None:
    """Whatever Mallory does with the names: Alice's TensorBoard is found, and gone at its end."""
    del release
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


def test_no_link_is_written_through(release: str, machine: Machine) -> None:
    """A link that Mallory has put where her file goes does not lead to another file of hers."""
    del release
    share(machine, MALLORY)
    hers = machine.temporary / "hers"
    hers.write_text("precious")
    os.chown(hers, ALICE, ALICE)
    with machine.registered(ALICE, find_free_port(), link_to=hers):
        assert hers.read_text() == "precious"
        assert len(machine.ask(ALICE, "known")) == 1


def test_where_owners_cannot_be_told(
    release: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows: the shared directory alone, and every file in it, as stock has it."""
    del release
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


@pytest.mark.parametrize("release", RELEASES[1:], indirect=True)
def test_tensorboard_is_reused_by_its_own_user(
    release: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`%tensorboard` starts one beside Mallory's, reuses it, and starts another when it is dead."""
    del release
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
        other = machine.ask(ALICE, "start")
        assert (other["result"], other["pid"] == first["pid"]) == ("StartLaunched", False), other
        os.kill(other["pid"], signal.SIGTERM)


def _wait_until_free(port: int) -> None:
    """Until nobody listens: a killed program is a zombie while a thread of it still does."""
    assert wait_for(lambda: not can_connect("127.0.0.1", port) or None, WAIT)
