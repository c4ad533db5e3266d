"""Which engine runs the deployments: containers, or a throwaway environment on the loopback."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from builder.containers import base_images
from builder.containers.containers import create_network
from builder.containers.docker_engine import connect_engine
from builder.containers.images import has_image
from builder.containers.leftovers import remove_run_containers
from builder.errors import EngineError
from builder.smoke.engines import docker, image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from builder.containers.docker_engine import ContainerEngine
    from builder.smoke.engines.image import ImageBuilder
    from builder.smoke.model import Deployment, JupyterSite, WheelUnderTest

# The engine pulls it from its default registry; any image with python3 and venv will do.
DEFAULT_BASE = "jupyter/base-notebook"


class DeploymentRunner(Protocol):
    """An engine, ready to run deployments of a wheel."""

    @property
    def name(self) -> str:
        """The engine and its version, as reports name it."""
        ...

    @property
    def host(self) -> str:
        """The name or address under which its sites are found."""
        ...

    @property
    def can_change_host(self) -> bool:
        """Whether a deployment that comes or goes changes the network of the host."""
        ...

    def prepare_wheel(
        self, wheel: WheelUnderTest, log: Path, progress: Callable[[str], None]
    ) -> Callable[[Deployment], AbstractContextManager[JupyterSite]]:
        """Make what the wheel needs, once; the answer starts a deployment of it.

        Raises:
            BuilderError: it cannot be made.
        """
        ...

    def end_all(self) -> None:
        """End everything of this run at once, for an interrupted one."""
        ...


class DockerRunner:
    """Deployments in containers.

    Attributes:
        image_builder: where their images are made.
        net: their network.
    """

    def __init__(self, image_builder: ImageBuilder, net: str) -> None:
        self.image_builder = image_builder
        self.net = net

    @property
    def base(self) -> str:
        """The base image."""
        return self.image_builder.base

    @property
    def can_change_host(self) -> bool:
        """Each container is an interface more on the host."""
        return True

    @property
    def host(self) -> str:
        """Where the engine publishes ports."""
        return self.image_builder.engine.host

    @property
    def name(self) -> str:
        """As reports name it."""
        engine, platform = self.image_builder.engine, self.image_builder.platform
        return f"docker {engine.version}, Python {platform.python}"

    def prepare_wheel(
        self, wheel: WheelUnderTest, log: Path, progress: Callable[[str], None]
    ) -> Callable[[Deployment], AbstractContextManager[JupyterSite]]:
        """Build the image of a wheel, or find it built.

        Raises:
            SmokeError: the wheel cannot be installed on the image's Python.
            EngineError: the build failed.
        """
        tag = image.build_lab_image(self.image_builder, wheel, log, progress)
        engine = self.image_builder.engine
        return lambda deployment: docker.start_jupyter_container(
            engine, tag, deployment, wheel, self.net
        )

    def end_all(self) -> None:
        """Remove the run's containers; whoever waits for one of them gets an error at once."""
        remove_run_containers(self.image_builder.engine)


@contextmanager
def open_docker_runner(
    engine: ContainerEngine,
    base: str | None,
    dockerfiles: Path,
    cache: Path,
    env: Mapping[str, str],
) -> Iterator[DockerRunner]:
    """Containers, in a network that lives as long as the block.

    Args:
        engine: runs them.
        base: the base image, or None for ours if it was made, else the default.
        dockerfiles: the directory of our Dockerfiles.
        cache: keeps wheelhouses.
        env: for uv and pip on the host.

    Raises:
        EngineError: the base image cannot be had.
        SmokeError: it has no fitting Python.
    """
    ours = base_images.make_base_tag("jupyter")
    chosen = base or (ours if has_image(engine, ours) else DEFAULT_BASE)
    platform = image.detect_image_platform(engine, chosen)
    image_builder = image.ImageBuilder(engine, chosen, platform, dockerfiles, cache, env)
    with create_network(engine) as net:
        yield DockerRunner(image_builder, net)


def choose_engine(wanted: str, env: Mapping[str, str]) -> tuple[ContainerEngine | None, str]:
    """The engine to use, None for `process`, and why.

    Args:
        wanted: `auto`, `docker` or `process`.
        env: where Docker's own settings are.

    Raises:
        EngineError: `docker` was asked for, and none answers.
    """
    if wanted == "process":
        return None, "as asked"
    try:
        engine = connect_engine(env)
    except EngineError as error:
        if wanted == "docker":
            raise
        return None, error.message
    return engine, "as asked" if wanted == "docker" else f"Docker {engine.version} answers"
