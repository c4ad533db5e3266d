"""A container of ours, and what can be done with it."""

from __future__ import annotations

import io
import tarfile
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from builder.containers.door import KEPT, LABEL, told
from builder.errors import EngineError
from builder.system.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from docker.models.containers import Container as DockerContainer

    from builder.containers.door import Engine

_GOING = 30.0  # seconds for a removal that somebody else began


class Container:
    """A container of ours."""

    def __init__(self, engine: Engine, raw: DockerContainer) -> None:
        self.engine = engine
        self.raw = raw

    @property
    def name(self) -> str:
        """Its name, which is also its address in its network."""
        return str(self.raw.name)

    def port(self, inside: int) -> int:
        """The port on the engine's host that leads to that port.

        Raises:
            EngineError: it is not published, or the container has ended.
        """
        published = self.published().get(inside)
        if published is None:
            raise EngineError(f"port {inside} of {self.name} is not published", self.log()[-500:])
        return published

    def published(self) -> dict[int, int]:
        """Port inside → port on the engine's host, as the engine says now.

        Raises:
            EngineError: the engine does not answer.
        """
        with told(f"look at {self.name}"):
            self.raw.reload()
        ports = self.raw.attrs["NetworkSettings"]["Ports"] or {}
        return {int(k.split("/")[0]): int(v[0]["HostPort"]) for k, v in ports.items() if v}

    def address(self) -> str:
        """Its address in its own network.

        Raises:
            EngineError: the engine does not answer.
        """
        with told(f"look at {self.name}"):
            self.raw.reload()
        networks = self.raw.attrs["NetworkSettings"]["Networks"].values()
        return next(str(n["IPAddress"]) for n in networks)

    def run(
        self,
        words: Sequence[str],
        *,
        user: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        """Run a program in it; its exit code and all that it wrote.

        Raises:
            EngineError: the engine refused.
        """
        with told(f"run {words[0]} in {self.name}"):
            done = self.raw.exec_run(list(words), user=user, environment=dict(environ or {}))
        output = done.output if isinstance(done.output, bytes) else b""
        return int(done.exit_code or 0), output.decode("utf-8", "replace")

    def put(self, directory: str, files: Mapping[str, bytes], *, uid: int = 0) -> None:
        """Write files below a directory that is there already.

        Raises:
            EngineError: the engine refused.
        """
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.uid, entry.mode = len(data), uid, 0o644
                entry.mtime = int(time.time())
                archive.addfile(entry, io.BytesIO(data))
        self.put_tar(directory, packed.getvalue())

    def put_tar(self, directory: str, tar: bytes | BinaryIO) -> None:
        """Unpack a tar archive below a directory that is there already.

        Raises:
            EngineError: the engine refused.
        """
        with told(f"write into {self.name}"):
            self.raw.put_archive(directory, tar)

    def start(self) -> None:
        """Start what `created` gave.

        Raises:
            EngineError: it cannot be started.
        """
        with told(f"start {self.name}"):
            self.raw.start()

    def follow(self, write: Callable[[bytes], object]) -> None:
        """Hand over what it writes, in pieces, until it ends or the engine breaks off.

        Raises:
            EngineError: the engine does not answer.
        """
        with told(f"follow the log of {self.name}"):
            for piece in self.raw.logs(stream=True, follow=True):
                write(piece)

    def commit(self, tag: str, changes: Sequence[str] = ()) -> None:
        """Make an image of it as it is now.

        The image keeps the environment that it was created with. What single programs in it got,
        and what is in its volumes, is not in there.

        Args:
            tag: what the image is called.
            changes: Dockerfile instructions, such as `CMD ["bash"]`.

        Raises:
            EngineError: the engine refused.
        """
        repository, _, version = tag.rpartition(":")
        words = [f"LABEL {LABEL}={KEPT}", *changes]
        with told(f"commit {self.name}"):
            self.raw.commit(repository=repository, tag=version, changes=words)

    def get(self, path: str) -> Iterator[bytes]:
        """A file or directory of it, as a tar archive in pieces.

        Raises:
            EngineError: it is not there, or the engine refused.
        """
        with told(f"read {path} from {self.name}"):
            pieces, _ = self.raw.get_archive(path)
            yield from pieces

    def log(self) -> str:
        """All that it has written.

        Raises:
            EngineError: the engine does not answer.
        """
        with told(f"read the log of {self.name}"):
            return bytes(self.raw.logs()).decode("utf-8", "replace")

    def exit_code(self) -> int | None:
        """Its exit code, or None while it runs.

        Raises:
            EngineError: the engine does not answer.
        """
        with told(f"look at {self.name}"):
            self.raw.reload()
        state = self.raw.attrs["State"]
        return None if state["Running"] else int(state["ExitCode"])

    def memory(self) -> int:
        """The bytes of memory that it has in use now, without its file cache.

        Raises:
            EngineError: the engine does not answer.
        """
        with told(f"measure {self.name}"):
            told_now = cast("dict[str, Any]", self.raw.stats(stream=False))
        memory = told_now["memory_stats"]
        # As `docker stats` reckons, for version 1 and 2 of control groups.
        cache = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
        return int(memory["usage"]) - int(cache)

    def remove(self) -> None:
        """End it at once and remove it; that it is gone already, or just going, is no error.

        Raises:
            EngineError: the engine refused.
        """
        from docker.errors import APIError, NotFound

        with told(f"remove {self.name}"), suppress(NotFound):
            try:
                self.raw.remove(force=True, v=True)
            except APIError as error:
                # Somebody else removes it at this moment, and it must be gone when we return.
                if error.status_code != HTTPStatus.CONFLICT or not self._goes():
                    raise

    def _goes(self) -> bool:
        from docker.errors import NotFound

        def gone() -> bool | None:
            try:
                self.raw.reload()
            except NotFound:
                return True
            return None

        return wait_for(gone, _GOING) is not None
