"""A container of ours, and what can be done with it."""

from __future__ import annotations

import io
import tarfile
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from builder.containers.docker_engine import KEPT_VALUE, RUN_LABEL, translate_engine_errors
from builder.errors import EngineError
from builder.system.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from docker.models.containers import Container as DockerContainer

    from builder.containers.docker_engine import ContainerEngine

_REMOVAL_SECONDS = 30.0  # seconds for a removal that somebody else began


class Container:
    """A container of ours."""

    def __init__(self, engine: ContainerEngine, raw: DockerContainer) -> None:
        self.engine = engine
        self.raw = raw

    @property
    def name(self) -> str:
        """Its name, which is also its address in its network."""
        return str(self.raw.name)

    def find_host_port(self, container_port: int) -> int:
        """The port on the engine's host that leads to that port.

        Raises:
            EngineError: it is not published, or the container has ended.
        """
        published = self.read_published_ports().get(container_port)
        if published is None:
            raise EngineError(
                f"port {container_port} of {self.name} is not published", self.read_log()[-500:]
            )
        return published

    def read_published_ports(self) -> dict[int, int]:
        """Port inside → port on the engine's host, as the engine says now.

        Raises:
            EngineError: the engine does not answer.
        """
        with translate_engine_errors(f"look at {self.name}"):
            self.raw.reload()
        ports = self.raw.attrs["NetworkSettings"]["Ports"] or {}
        return {int(k.split("/")[0]): int(v[0]["HostPort"]) for k, v in ports.items() if v}

    def read_address(self) -> str:
        """Its address in its own network.

        Raises:
            EngineError: the engine does not answer.
        """
        with translate_engine_errors(f"look at {self.name}"):
            self.raw.reload()
        networks = self.raw.attrs["NetworkSettings"]["Networks"].values()
        return next(str(n["IPAddress"]) for n in networks)

    def run_program(
        self,
        words: Sequence[str],
        *,
        user: str = "",
        env: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        """Run a program in it; its exit code and all that it wrote.

        Raises:
            EngineError: the engine refused.
        """
        with translate_engine_errors(f"run {words[0]} in {self.name}"):
            done = self.raw.exec_run(list(words), user=user, environment=dict(env or {}))
        output = done.output if isinstance(done.output, bytes) else b""
        return int(done.exit_code or 0), output.decode("utf-8", "replace")

    def write_files(self, directory: str, files: Mapping[str, bytes], *, uid: int = 0) -> None:
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
        self.unpack_tar(directory, packed.getvalue())

    def unpack_tar(self, directory: str, tar: bytes | BinaryIO) -> None:
        """Unpack a tar archive below a directory that is there already.

        Raises:
            EngineError: the engine refused.
        """
        with translate_engine_errors(f"write into {self.name}"):
            self.raw.put_archive(directory, tar)

    def start(self) -> None:
        """Start what `created` gave.

        Raises:
            EngineError: it cannot be started.
        """
        with translate_engine_errors(f"start {self.name}"):
            self.raw.start()

    def follow_log(self, write: Callable[[bytes], object]) -> None:
        """Hand over what it writes, in pieces, until it ends or the engine breaks off.

        Raises:
            EngineError: the engine does not answer.
        """
        with translate_engine_errors(f"follow the log of {self.name}"):
            for piece in self.raw.logs(stream=True, follow=True):
                write(piece)

    def commit_image(self, tag: str, changes: Sequence[str] = ()) -> None:
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
        words = [f"LABEL {RUN_LABEL}={KEPT_VALUE}", *changes]
        with translate_engine_errors(f"commit {self.name}"):
            self.raw.commit(repository=repository, tag=version, changes=words)

    def read_tar(self, path: str) -> Iterator[bytes]:
        """A file or directory of it, as a tar archive in pieces.

        Raises:
            EngineError: it is not there, or the engine refused.
        """
        with translate_engine_errors(f"read {path} from {self.name}"):
            pieces, _ = self.raw.get_archive(path)
            yield from pieces

    def read_log(self) -> str:
        """All that it has written.

        Raises:
            EngineError: the engine does not answer.
        """
        with translate_engine_errors(f"read the log of {self.name}"):
            return bytes(self.raw.logs()).decode("utf-8", "replace")

    def read_exit_code(self) -> int | None:
        """Its exit code, or None while it runs.

        Raises:
            EngineError: the engine does not answer.
        """
        with translate_engine_errors(f"look at {self.name}"):
            self.raw.reload()
        state = self.raw.attrs["State"]
        return None if state["Running"] else int(state["ExitCode"])

    def measure_memory(self) -> int:
        """The bytes of memory that it has in use now, without its file cache.

        Raises:
            EngineError: the engine does not answer.
        """
        with translate_engine_errors(f"measure {self.name}"):
            stats = cast("dict[str, Any]", self.raw.stats(stream=False))
        memory = stats["memory_stats"]
        # As `docker stats` reckons, for version 1 and 2 of control groups.
        cache = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
        return int(memory["usage"]) - int(cache)

    def remove(self) -> None:
        """End it at once and remove it; that it is gone already, or just going, is no error.

        Raises:
            EngineError: the engine refused.
        """
        from docker.errors import APIError, NotFound

        with translate_engine_errors(f"remove {self.name}"), suppress(NotFound):
            try:
                self.raw.remove(force=True, v=True)
            except APIError as error:
                # Somebody else removes it at this moment, and it must be gone when we return.
                if error.status_code != HTTPStatus.CONFLICT or not self._wait_until_gone():
                    raise

    def _wait_until_gone(self) -> bool:
        from docker.errors import NotFound

        def is_gone() -> bool | None:
            try:
                self.raw.reload()
            except NotFound:
                return True
            return None

        return wait_for(is_gone, _REMOVAL_SECONDS) is not None
