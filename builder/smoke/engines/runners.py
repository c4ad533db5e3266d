"""Choose the engine for deployments: containers, or a throwaway virtualenv on the loopback."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from builder.containers import base_images
from builder.containers.containers import create_network
from builder.containers.docker_engine import connect_engine
from builder.containers.images import has_image
from builder.containers.leftovers import remove_run_containers
from builder.containers.run_lock import lock_run
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
    """An engine that is ready to run deployments of a wheel."""

    @property
    def name(self) -> str:
        """The engine and its version, as reports name it."""
        ...

    @property
    def host(self) -> str:
        """The host name or address of its sites."""
        ...

    @property
    def can_change_host(self) -> bool:
        """Whether a deployment that starts or stops changes the network of the host."""
        ...

    def prepare_wheel(
        self, wheel: WheelUnderTest, log: Path, progress: Callable[[str], None]
    ) -> Callable[[Deployment], AbstractContextManager[JupyterSite]]:
        """Make what the wheel needs, once; the returned function starts a deployment of it.

        Raises:
            BuilderError: it cannot be made.
        """
        ...

    def end_all(self) -> None:
        """End everything of this run at once, if it was interrupted."""
        ...


class DockerRunner:
    """Runs deployments in containers.

    Attributes:
        image_builder: what their images are built with.
        net: name of their network.
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
        """Yes: each container adds a network interface to the host."""
        return True

    @property
    def host(self) -> str:
        """The host on which the engine publishes ports."""
        return self.image_builder.engine.host

    @property
    def name(self) -> str:
        """Name of the engine, for reports."""
        engine, platform = self.image_builder.engine, self.image_builder.platform
        return f"docker {engine.version}, Python {platform.python}"

    def prepare_wheel(
        self, wheel: WheelUnderTest, log: Path, progress: Callable[[str], None]
    ) -> Callable[[Deployment], AbstractContextManager[JupyterSite]]:
        """Build the image of a wheel, or reuse it.

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
        """Remove the run's containers; callers that wait for one get an error at once."""
        remove_run_containers(self.image_builder.engine)


@contextmanager
def open_docker_runner(
    engine: ContainerEngine,
    base: str | None,
    dockerfiles: Path,
    cache: Path,
    env: Mapping[str, str],
) -> Iterator[DockerRunner]:
    """Open a runner for containers, with a network that exists for as long as the block lasts.

    Args:
        engine: runs the containers.
        base: the base image, or None for ours if it was built, else `DEFAULT_BASE`.
        dockerfiles: the directory of our Dockerfiles.
        cache: the user's cache directory, also of wheelhouses and the run's lock.
        env: environment variables for uv and pip on the host.

    Raises:
        EngineError: the base image is not available.
        SmokeError: it has no suitable Python.
    """
    lock_run(engine, cache)
    own_base = base_images.make_base_tag("jupyter")
    chosen = base or (own_base if has_image(engine, own_base) else DEFAULT_BASE)
    platform = image.detect_image_platform(engine, chosen)
    image_builder = image.ImageBuilder(engine, chosen, platform, dockerfiles, cache, env)
    with create_network(engine) as net:
        yield DockerRunner(image_builder, net)


def choose_engine(wanted: str, env: Mapping[str, str]) -> tuple[ContainerEngine | None, str]:
    """Choose the engine: the container engine, or None for `process`, and why.

    Args:
        wanted: `auto`, `docker` or `process`.
        env: environment variables with Docker's own settings.

    Raises:
        EngineError: `docker` was requested, and no engine answers.
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
