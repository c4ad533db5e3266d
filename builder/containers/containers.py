"""Containers and networks that live as long as a block."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from builder.containers.container import Container
from builder.containers.door import NAMESPACE, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.containers.door import Engine


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
        volumes: named volume → path inside; see `builder.containers.volumes`.
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


def labelled(engine: Engine, label: str, value: str | None = None) -> list[Container]:
    """All containers with that label, running or not: others may have started them for us.

    Args:
        engine: has them.
        label: its name.
        value: its value, or None for any.

    Raises:
        EngineError: the engine does not answer.
    """
    wanted = label if value is None else f"{label}={value}"
    with told(f"list the containers with {wanted}"):
        found = engine.client.containers.list(
            all=True, filters={"label": wanted}, ignore_removed=True
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
    made: Container | None = None
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
                # ~/.docker/config.json may hold proxies, and a commit would keep them in an image.
                use_config_proxy=False,
            )
            made = Container(engine, raw)
        yield made
    finally:
        if made is not None:
            made.remove()


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
