"""Containers and networks that live as long as a block, and what is done inside them."""

from __future__ import annotations

import io
import tarfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from builder.engine.door import KEPT, LABEL, NAMESPACE, told
from builder.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from docker.models.containers import Container as DockerContainer

    from builder.engine.door import Engine


class Started(NamedTuple):
    """How to start a container.

    Attributes:
        image: its tag or id.
        words: the command, or None for the image's own.
        environ: environment variables; an inspection of the container shows them.
        network: the network that it joins.
        publish: ports inside that get a free port on the engine's host.
        binds: path on the engine's host → path inside, all read-only unless it ends in `:rw`.
        user: as in `docker run --user`, or None for the image's own.
        volumes: named volume → path inside; see `builder.engine.volumes`.
        scratch: directories that lie in no layer and go with the container: a commit of it does
            not hold what is in them.
    """

    image: str
    words: Sequence[str] | None = None
    environ: Mapping[str, str] = {}
    network: str | None = None
    publish: Sequence[int] = ()
    binds: Mapping[str, str] = {}
    user: str | None = None
    volumes: Mapping[str, str] = {}
    scratch: Sequence[str] = ()


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
        """Make an image of it as it is now; nothing of its own environment is in there.

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
        """End it at once and remove it; one that is gone already is no error.

        Raises:
            EngineError: the engine refused.
        """
        with told(f"remove {self.name}"):
            _removed(self.raw)


def labelled(engine: Engine, label: str, value: str) -> list[Container]:
    """All containers with that label, running or not: others may have started them for us.

    Raises:
        EngineError: the engine does not answer.
    """
    with told(f"list the containers with {label}={value}"):
        found = engine.client.containers.list(
            all=True, filters={"label": f"{label}={value}"}, ignore_removed=True
        )
    return [Container(engine, raw) for raw in found]


@contextmanager
def running(engine: Engine, name: str, how: Started) -> Iterator[Container]:
    """A container that runs for as long as the block lasts; then it is gone, also on Ctrl-C.

    Args:
        engine: runs it.
        name: what its name ends in; the run's id stands before it.
        how: what it is started with.

    Raises:
        EngineError: it cannot be started.
    """
    with created(engine, name, how) as container:
        container.start()
        yield container


@contextmanager
def created(engine: Engine, name: str, how: Started) -> Iterator[Container]:
    """As `running`, but not started yet, so that files can be put into it before.

    Raises:
        EngineError: it cannot be made.
    """
    from docker.types import Mount

    # A port on a remote engine's host is of use only where others can reach it.
    host = "127.0.0.1" if engine.host == "127.0.0.1" else "0.0.0.0"  # noqa: S104
    raw: DockerContainer | None = None
    try:
        with told(f"make a container of {how.image}"):
            raw = engine.client.containers.create(
                how.image,
                list(how.words) if how.words is not None else None,
                name=f"{NAMESPACE}-{engine.run}-{name}",
                labels=engine.labels,
                environment=dict(how.environ),
                network=how.network,
                ports={f"{p}/tcp": (host, 0) for p in how.publish},
                volumes=[_bind(k, v) for k, v in how.binds.items()],
                mounts=[
                    *(Mount(inside, volume) for volume, inside in how.volumes.items()),
                    *(Mount(inside, None) for inside in how.scratch),
                ],
                user=how.user,
            )
        yield Container(engine, raw)
    finally:
        if raw is not None:
            with told(f"remove {raw.name}"):
                _removed(raw)


@contextmanager
def network(engine: Engine, name: str = "net") -> Iterator[str]:
    """A bridge network of our own for as long as the block lasts; its name.

    Raises:
        EngineError: it cannot be made.
    """
    with told("make a network"):
        made = engine.client.networks.create(
            f"{NAMESPACE}-{engine.run}-{name}", driver="bridge", labels=engine.labels
        )
    try:
        yield str(made.name)
    finally:
        with told(f"remove the network {made.name}"):
            made.remove()


def _bind(outside: str, inside: str) -> str:
    return f"{outside}:{inside}" if inside.endswith(":rw") else f"{outside}:{inside}:ro"


def _removed(raw: DockerContainer) -> None:
    from docker.errors import NotFound

    try:
        raw.remove(force=True, v=True)
    except NotFound:
        return
