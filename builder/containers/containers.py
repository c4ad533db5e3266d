"""Containers and networks that live as long as a block."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from builder.containers.container import Container
from builder.containers.docker_engine import NAMESPACE, translate_engine_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.containers.docker_engine import ContainerEngine


class ContainerOptions(NamedTuple):
    """How to start a container.

    Attributes:
        image: its tag or id.
        words: the command, or None for the image's own.
        env: environment variables; an inspection of the container shows them.
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
    env: Mapping[str, str] = {}
    network: str | None = None
    publish: Sequence[int] = ()
    binds: Mapping[str, str] = {}
    user: str | None = None
    volumes: Mapping[str, str] = {}
    scratch: Sequence[str] = ()


def list_containers(
    engine: ContainerEngine, label: str, value: str | None = None
) -> list[Container]:
    """All containers with that label, running or not: others may have started them for us.

    Args:
        engine: has them.
        label: its name.
        value: its value, or None for any.

    Raises:
        EngineError: the engine does not answer.
    """
    wanted = label if value is None else f"{label}={value}"
    with translate_engine_errors(f"list the containers with {wanted}"):
        found = engine.client.containers.list(
            all=True, filters={"label": wanted}, ignore_removed=True
        )
    return [Container(engine, raw) for raw in found]


@contextmanager
def run_container(
    engine: ContainerEngine, name: str, options: ContainerOptions
) -> Iterator[Container]:
    """A container that runs for as long as the block lasts; then it is gone, also on Ctrl-C.

    Args:
        engine: runs it.
        name: what its name ends in; the run's id stands before it.
        options: what it is started with.

    Raises:
        EngineError: it cannot be started.
    """
    with create_container(engine, name, options) as container:
        container.start()
        yield container


@contextmanager
def create_container(
    engine: ContainerEngine, name: str, options: ContainerOptions
) -> Iterator[Container]:
    """As `run_container`, but not started yet, so that files can be put into it before.

    Raises:
        EngineError: it cannot be made.
    """
    from docker.types import Mount

    # A port on a remote engine's host is of use only where others can reach it.
    host = "127.0.0.1" if engine.host == "127.0.0.1" else "0.0.0.0"  # noqa: S104
    made: Container | None = None
    try:
        with translate_engine_errors(f"make a container of {options.image}"):
            raw = engine.client.containers.create(
                options.image,
                list(options.words) if options.words is not None else None,
                name=f"{NAMESPACE}-{engine.run_id}-{name}",
                labels=engine.labels,
                environment=dict(options.env),
                network=options.network,
                ports={f"{p}/tcp": (host, 0) for p in options.publish},
                volumes=[_format_bind(k, v) for k, v in options.binds.items()],
                mounts=[
                    *(
                        Mount(container_path, volume)
                        for volume, container_path in options.volumes.items()
                    ),
                    *(Mount(container_path, None) for container_path in options.scratch),
                ],
                user=options.user,
                # ~/.docker/config.json may hold proxies, and a commit would keep them in an image.
                use_config_proxy=False,
            )
            made = Container(engine, raw)
        yield made
    finally:
        if made is not None:
            made.remove()


@contextmanager
def create_network(engine: ContainerEngine, name: str = "net") -> Iterator[str]:
    """A bridge network of our own for as long as the block lasts; its name.

    Raises:
        EngineError: it cannot be made.
    """
    with translate_engine_errors("make a network"):
        made = engine.client.networks.create(
            f"{NAMESPACE}-{engine.run_id}-{name}", driver="bridge", labels=engine.labels
        )
    try:
        yield str(made.name)
    finally:
        with translate_engine_errors(f"remove the network {made.name}"):
            made.remove()


def _format_bind(host_path: str, container_path: str) -> str:
    return (
        f"{host_path}:{container_path}"
        if container_path.endswith(":rw")
        else f"{host_path}:{container_path}:ro"
    )
