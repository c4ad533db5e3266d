"""Several users on one machine, each with a `%tensorboard` of a real release."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from builder.system.ports import find_free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIVER = Path(__file__).with_name("users_driver.py")
ALICE, MALLORY, ROOT_USER = 4001, 4002, 0
# One of each form of `manager.py`; 1.13 has no server without the TensorFlow of its time.
RELEASES = ["1.13.1", "1.14.0", "2.2.1", "2.11.2", "2.21.0"]
PYTHON = "3.12"
WAIT = 60.0


class Machine(NamedTuple):
    """A machine with some users.

    Attributes:
        python: of an environment with a TensorBoard in it.
        workdir: a directory that all of them may enter.
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
            yield json.loads(read_line(process))
            process.communicate(timeout=WAIT)

    @contextmanager
    def registered(
        self, uid: int, port: int, python: Path | None = None, *, link_to: Path | None = None
    ) -> Iterator[str]:
        """A TensorBoard of a user's that has told of itself; the name of its file.

        Where `link_to` is given, Mallory has put a link of that name there before.
        """
        with self.start(uid, "register", str(port), python=python) as process:
            name = f"pid-{read_line(process).strip()}.info"
            if link_to is not None:
                (self.shared / name).symlink_to(link_to)
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
            assert json.loads(read_line(process))
            yield name
            process.communicate(timeout=WAIT)
        assert process.returncode == 0


def read_line(process: subprocess.Popen[str]) -> str:
    """The next line that the driver writes."""
    assert process.stdout is not None
    return process.stdout.readline()


def share(machine: Machine, owner: int, mode: int = 0o777) -> None:
    """Let a user make the shared directory, as the first TensorBoard of a machine does."""
    machine.shared.mkdir()
    machine.shared.chmod(mode)
    os.chown(machine.shared, owner, owner)
