"""A connection to the engine that the user's Docker client would talk to."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from builder.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import DockerClient

# Everything that we leave in an engine carries it; its value is the run that made it.
LABEL = "tensorboard-proxy-wheels.run"
# What outlives a run on purpose, such as an image, has this value.
KEPT = "kept"
NAMESPACE = "tensorboard-proxy-wheels"
# Seconds until one request to the engine is given up; builds and pulls stream and have their own.
_ANSWER = 120
_CONNECT_HINT = (
    "start Docker, or let this user at it (`docker info` must work); "
    "smoke tests also run without: --engine process"
)


class Engine:
    """An engine that answers.

    Attributes:
        client: docker-py's.
        run: eight hex digits, the name and label of all that this run makes.
        host: where published ports are found, such as `127.0.0.1`.
        version: as the engine says it.
        architecture: of its images, in uname's words, such as `x86_64`.
    """

    def __init__(self, client: DockerClient) -> None:
        self.client = client
        self.run = secrets.token_hex(4)
        self.host = _published_on(str(client.api.base_url))
        with told("ask the engine for its version"):
            about = client.version()
        self.version = str(about.get("Version", "unknown"))
        arch = str(about.get("Arch", "amd64"))
        self.architecture = {"amd64": "x86_64", "arm64": "aarch64"}.get(arch, arch)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of what this run makes and removes."""
        return {LABEL: self.run}

    def sweep(self) -> None:
        """Remove every container of this run, whatever it does at this moment.

        Raises:
            EngineError: the engine refused.
        """
        with told("remove the containers of this run"):
            for container in self.client.containers.list(
                all=True, filters={"label": f"{LABEL}={self.run}"}
            ):
                container.remove(force=True, v=True)


def connect(environ: Mapping[str, str]) -> Engine:
    """Connect as Docker's own client would: `DOCKER_HOST`, else the current context, else default.

    Raises:
        EngineError: no engine answers there.
    """
    from docker import DockerClient
    from docker.context import ContextAPI
    from docker.errors import DockerException
    from docker.utils import kwargs_from_env

    try:
        options: dict[str, Any] = dict(kwargs_from_env(environment=dict(environ)))
        context = None if options.get("base_url") else ContextAPI.get_context()
        if context is not None and context.Host:
            options = {"base_url": context.Host}
            if context.Host.startswith("tcp:"):
                options["tls"] = context.TLSConfig
        client = DockerClient(timeout=_ANSWER, **options)
        client.ping()
    except (DockerException, OSError) as error:
        raise EngineError(f"no container engine answers: {_brief(error)}", _CONNECT_HINT) from error
    return Engine(client)


@contextmanager
def told(what: str, hint: str = "look at the engine's own log") -> Iterator[None]:
    """Turn the engine's errors into ours, which say what we were about to do.

    Raises:
        EngineError: the engine refused, or stopped answering.
    """
    import requests
    from docker.errors import DockerException
    from urllib3.exceptions import HTTPError

    try:
        yield
    # A stream that breaks off halfway is urllib3's or the socket's to report.
    except (DockerException, requests.RequestException, HTTPError, ConnectionError) as error:
        message = _brief(error)
        if "no space left" in message.lower():
            hint = "free space in the engine: `nox -s build -- --prune`, `docker system df`"
        raise EngineError(f"the engine could not {what}: {message}", hint) from error


def prune(engine: Engine, label: str = LABEL) -> list[str]:
    """Remove all that we left in the engine, of any run; what was removed, by kind and name.

    What other runs have in use at this moment goes too: that is what the word says.

    Args:
        engine: is cleaned.
        label: what ours carries, `name` or `name=value`.

    Raises:
        EngineError: the engine refused.
    """
    wanted: dict[str, str | list[str] | bool] = {"label": label}
    removed: list[str] = []
    client = engine.client
    with told("remove what we left in it"):
        for container in client.containers.list(all=True, filters=wanted):
            container.remove(force=True, v=True)
            removed.append(f"container {container.name}")
        for network in client.networks.list(filters=wanted):
            network.remove()
            removed.append(f"network {network.name}")
        for image in client.images.list(filters=wanted):
            client.images.remove(str(image.id), force=True)
            removed.append(f"image {(image.tags or [image.short_id])[0]}")
        for volume in client.volumes.list(filters=wanted):
            volume.remove(force=True)
            removed.append(f"volume {volume.name}")
    return removed


def _published_on(base_url: str) -> str:
    """A remote engine publishes on its own host, a local one on the loopback."""
    parts = urlsplit(base_url)
    remote = parts.scheme in {"http", "https"} and parts.hostname not in {None, "localdocker"}
    return str(parts.hostname) if remote else "127.0.0.1"


def _brief(error: Exception) -> str:
    explanation = getattr(error, "explanation", None)
    return " ".join(str(explanation or error).split())[:400]
