"""The operations on a container of ours."""

from __future__ import annotations

import io
import tarfile
import time
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from builder.containers.docker_engine import KEPT_VALUE, RUN_LABEL, translate_engine_errors
from builder.errors import EngineError
from builder.system.limits import DOWNLOAD_BYTES, ENGINE_STREAM_SECONDS
from builder.system.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from docker.models.containers import Container as DockerContainer

    from builder.containers.docker_engine import ContainerEngine

_REMOVAL_SECONDS = 30.0  # seconds to wait for a removal that another client began


class Container:
    """A container of ours; `raw` is docker-py's object."""

    def __init__(self, engine: ContainerEngine, raw: DockerContainer) -> None:
        self.engine = engine
        self.raw = raw

    @property
    def name(self) -> str:
        """The container's name, which is also its host name in its network."""
        return str(self.raw.name)

    def find_host_port(self, container_port: int) -> int:
        """Find the port on the engine's host at which a port of the container is published.

        Raises:
            EngineError: the port is not published, or the container has ended.
        """
        published = self.read_published_ports().get(container_port)
        if published is None:
            raise EngineError(
                f"port {container_port} of {self.name} is not published", self.read_log()[-500:]
            )
        return published

    def read_published_ports(self) -> dict[int, int]:
        """Read the current port mapping: port in the container → port on the engine's host.

        Raises:
            EngineError: the engine does not respond.
        """
        with translate_engine_errors(f"look at {self.name}"):
            self.raw.reload()
        ports = self.raw.attrs["NetworkSettings"]["Ports"] or {}
        return {int(k.split("/")[0]): int(v[0]["HostPort"]) for k, v in ports.items() if v}

    def read_address(self) -> str:
        """Read the container's IP address in its network.

        Raises:
            EngineError: the engine does not respond.
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
        """Run a program in the container, and return its exit code and all its output.

        Raises:
            EngineError: the engine refused the request.
        """
        with translate_engine_errors(f"run {words[0]} in {self.name}"):
            result = self.engine.client.bounds.run_request(
                partial(self.raw.exec_run, list(words), user=user, environment=dict(env or {})),
                ENGINE_STREAM_SECONDS,
            )
        output = result.output if isinstance(result.output, bytes) else b""
        return int(result.exit_code or 0), output.decode("utf-8", "replace")

    def write_files(self, directory: str, files: Mapping[str, bytes], *, uid: int = 0) -> None:
        """Write files to an existing directory: path below it → content.

        Raises:
            EngineError: the engine refused the request.
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
        """Unpack a tar archive into an existing directory.

        Raises:
            EngineError: the engine refused the request.
        """
        with translate_engine_errors(f"write into {self.name}"):
            self.raw.put_archive(directory, tar)

    def start(self) -> None:
        """Start a container that `create_container` made.

        Raises:
            EngineError: it cannot be started.
        """
        with translate_engine_errors(f"start {self.name}"):
            self.raw.start()

    def follow_log(self, write: Callable[[bytes], object]) -> None:
        """Call `write` with each piece of the container's output, until it ends.

        It also returns without an error if the engine ends the stream.

        Raises:
            EngineError: the engine does not respond, or the connection broke off.
        """
        with translate_engine_errors(f"follow the log of {self.name}"):
            for piece in self.raw.logs(stream=True, follow=True):
                write(piece)

    def commit_image(self, tag: str, changes: Sequence[str] = ()) -> None:
        """Make an image of the container in its current state.

        The image keeps the environment variables with which the container was created. It does not
        contain those of programs that `run_program` ran, nor the content of volumes.

        Args:
            tag: the image's tag.
            changes: Dockerfile instructions, such as `CMD ["bash"]`.

        Raises:
            EngineError: the engine refused the request.
        """
        repository, _, version = tag.rpartition(":")
        words = [f"LABEL {RUN_LABEL}={KEPT_VALUE}", *changes]
        with translate_engine_errors(f"commit {self.name}"):
            self.raw.commit(repository=repository, tag=version, changes=words)

    def read_tar(self, path: str) -> Iterator[bytes]:
        """Read a file or directory of the container, as a tar archive in pieces.

        Raises:
            EngineError: the path does not exist or is too large, or the engine refused the request.
        """
        with translate_engine_errors(f"read {path} from {self.name}"):
            pieces, _ = self.raw.get_archive(path)
            size = 0
            for piece in self.engine.client.bounds.iter_stream(pieces):
                size += len(piece)
                if size > DOWNLOAD_BYTES:
                    raise EngineError(
                        f"{path} in {self.name} has more than {DOWNLOAD_BYTES:,} bytes",
                        "look at what made it",
                    )
                yield piece

    def read_log(self) -> str:
        """Read all the output of the container so far.

        Raises:
            EngineError: the engine does not respond.
        """
        with translate_engine_errors(f"read the log of {self.name}"):
            return bytes(self.raw.logs()).decode("utf-8", "replace")

    def read_exit_code(self) -> int | None:
        """Read the container's exit code; None while it runs.

        Raises:
            EngineError: the engine does not respond.
        """
        with translate_engine_errors(f"look at {self.name}"):
            self.raw.reload()
        state = self.raw.attrs["State"]
        return None if state["Running"] else int(state["ExitCode"])

    def measure_memory(self) -> int:
        """Measure the memory that the container uses now, in bytes, without its file cache.

        Raises:
            EngineError: the engine does not respond.
        """
        with translate_engine_errors(f"measure {self.name}"):
            stats = cast("dict[str, Any]", self.raw.stats(stream=False))
        memory = stats["memory_stats"]
        # As `docker stats` computes it, for control groups version 1 and version 2.
        cache = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
        return int(memory["usage"]) - int(cache)

    def remove(self) -> None:
        """Kill and remove the container; no error if it is gone, or is being removed, already.

        Raises:
            EngineError: the engine refused the request.
        """
        from docker.errors import APIError, NotFound

        with translate_engine_errors(f"remove {self.name}"), suppress(NotFound):
            try:
                self.raw.remove(force=True, v=True)
            except APIError as error:
                # Another client removes it at this moment. It must be gone when we return.
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
