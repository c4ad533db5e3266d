"""Create containers and networks that exist as long as a `with` block."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from builder.containers.container import Container
from builder.containers.docker_engine import NAMESPACE, translate_engine_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.containers.docker_engine import ContainerEngine


class ContainerOptions(NamedTuple):
    """How to create a container.

    Attributes:
        image: the image's tag or id.
        words: the command, or None for the image's own.
        env: environment variables; anyone who may inspect the container can read them.
        network: the network to connect it to, or None for the engine's default.
        publish: container ports to publish, each at a free port of the engine's host.
        binds: path on the engine's host → path in the container; read-only, unless the latter ends
            in `:rw`.
        user: as in `docker run --user`, or None for the image's own.
        volumes: named volume → path in the container; see `builder.containers.volumes`.
        scratch: directories in anonymous volumes, which are removed with the container; an image
            committed from it does not contain them.
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
    """List all containers with a label, running or not, including ones that others started for us.

    Args:
        engine: the engine that has them.
        label: the label's name.
        value: the label's value, or None for any.

    Raises:
        EngineError: the engine does not respond.
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
    """Run a container as long as the block lasts; it is always removed, also on Ctrl-C.

    Args:
        engine: the engine that runs it.
        name: the last part of its name, after the run's id.
        options: how to create it.

    Raises:
        EngineError: it cannot be created or started.
    """
    with create_container(engine, name, options) as container:
        container.start()
        yield container


@contextmanager
def create_container(
    engine: ContainerEngine, name: str, options: ContainerOptions
) -> Iterator[Container]:
    """Create a container as `run_container` does, but do not start it, so that files can be added.

    Raises:
        EngineError: it cannot be created.
    """
    from docker.types import Mount

    # The ports of a remote engine's host must be reachable from this machine; local ones stay on
    # the loopback interface.
    host = "127.0.0.1" if engine.host == "127.0.0.1" else "0.0.0.0"  # noqa: S104
    container: Container | None = None
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
                # ~/.docker/config.json may have proxies, which a commit would store in an image.
                use_config_proxy=False,
            )
            container = Container(engine, raw)
        yield container
    finally:
        if container is not None:
            container.remove()


@contextmanager
def create_network(engine: ContainerEngine, name: str = "net") -> Iterator[str]:
    """Create a bridge network that exists as long as the block lasts, and yield its name.

    Raises:
        EngineError: it cannot be created or removed.
    """
    with translate_engine_errors("make a network"):
        network = engine.client.networks.create(
            f"{NAMESPACE}-{engine.run_id}-{name}", driver="bridge", labels=engine.labels
        )
    try:
        yield str(network.name)
    finally:
        with translate_engine_errors(f"remove the network {network.name}"):
            network.remove()


def _format_bind(host_path: str, container_path: str) -> str:
    return (
        f"{host_path}:{container_path}"
        if container_path.endswith(":rw")
        else f"{host_path}:{container_path}:ro"
    )
