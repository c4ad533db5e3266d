"""Which engine runs the deployments: containers, or a throwaway environment on the loopback."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from builder.containers import base as bases
from builder.containers.containers import network
from builder.containers.door import connect
from builder.containers.images import has
from builder.containers.leftovers import sweep
from builder.errors import EngineError
from builder.smoke.engines import docker, image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from builder.containers.door import Engine
    from builder.smoke.engines.image import Kitchen
    from builder.smoke.model import Deployment, Site, Subject

# The engine pulls it from its default registry; any image with python3 and venv will do.
DEFAULT_BASE = "jupyter/base-notebook"


class Runner(Protocol):
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
    def changes_host(self) -> bool:
        """Whether a deployment that comes or goes changes the network of the host."""
        ...

    def prepare(
        self, subject: Subject, log: Path, progress: Callable[[str], None]
    ) -> Callable[[Deployment], AbstractContextManager[Site]]:
        """Make what the wheel needs, once; the answer starts a deployment of it.

        Raises:
            BuilderError: it cannot be made.
        """
        ...

    def sweep(self) -> None:
        """End everything of this run at once, for an interrupted one."""
        ...


class DockerRunner:
    """Deployments in containers.

    Attributes:
        kitchen: where their images are made.
        net: their network.
    """

    def __init__(self, kitchen: Kitchen, net: str) -> None:
        self.kitchen = kitchen
        self.net = net

    @property
    def base(self) -> str:
        """The base image."""
        return self.kitchen.base

    @property
    def changes_host(self) -> bool:
        """Each container is an interface more on the host."""
        return True

    @property
    def host(self) -> str:
        """Where the engine publishes ports."""
        return self.kitchen.engine.host

    @property
    def name(self) -> str:
        """As reports name it."""
        return f"docker {self.kitchen.engine.version}, Python {self.kitchen.target.python}"

    def prepare(
        self, subject: Subject, log: Path, progress: Callable[[str], None]
    ) -> Callable[[Deployment], AbstractContextManager[Site]]:
        """Build the image of a wheel, or find it built.

        Raises:
            SmokeError: the wheel cannot be installed on the image's Python.
            EngineError: the build failed.
        """
        tag = image.make(self.kitchen, subject, log, progress)
        engine = self.kitchen.engine
        return lambda deployment: docker.start(engine, tag, deployment, subject.release, self.net)

    def sweep(self) -> None:
        """Remove the run's containers; whoever waits for one of them gets an error at once."""
        sweep(self.kitchen.engine)


@contextmanager
def docker_runner(
    engine: Engine,
    base: str | None,
    dockerfiles: Path,
    cache: Path,
    environ: Mapping[str, str],
) -> Iterator[DockerRunner]:
    """Containers, in a network that lives as long as the block.

    Args:
        engine: runs them.
        base: the base image, or None for ours if it was made, else the default.
        dockerfiles: the directory of our Dockerfiles.
        cache: keeps wheelhouses.
        environ: for uv and pip on the host.

    Raises:
        EngineError: the base image cannot be had.
        SmokeError: it has no fitting Python.
    """
    ours = bases.tag_of("jupyter")
    chosen = base or (ours if has(engine, ours) else DEFAULT_BASE)
    target = image.target_of(engine, chosen)
    kitchen = image.Kitchen(engine, chosen, target, dockerfiles, cache, environ)
    with network(engine) as net:
        yield DockerRunner(kitchen, net)


def choose(wanted: str, environ: Mapping[str, str]) -> tuple[Engine | None, str]:
    """The engine to use, None for `process`, and why.

    Args:
        wanted: `auto`, `docker` or `process`.
        environ: where Docker's own settings are.

    Raises:
        EngineError: `docker` was asked for, and none answers.
    """
    if wanted == "process":
        return None, "as asked"
    try:
        engine = connect(environ)
    except EngineError as error:
        if wanted == "docker":
            raise
        return None, error.message
    return engine, "as asked" if wanted == "docker" else f"Docker {engine.version} answers"
