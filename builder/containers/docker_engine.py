"""Connect to the engine that the user's Docker client would use."""

from __future__ import annotations

import atexit
import math
import os
import secrets
import socket
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from builder.containers.ssh import SshTunnel
from builder.errors import EngineError
from builder.system.addresses import mask_address
from builder.system.known_secrets import hide_secrets
from builder.system.limits import ENGINE_SECONDS
from builder.system.settings import read_timeout
from builder.system.waiting import run_with_deadline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker.context import Context

    from builder.containers.bounded_client import BoundedClient

# The label of everything that we make in an engine; its value is the id of the run that made it.
RUN_LABEL = "tensorboard-proxy-wheels.run"
# The label's value for what is kept after a run on purpose, such as an image.
KEPT_VALUE = "kept"
NAMESPACE = "tensorboard-proxy-wheels"
_SSH_HINT = (
    "Docker's client must be there, and ssh must let you in without a question (ssh-agent(1), "
    "known_hosts)"
)
_CONNECT_HINT = (
    "start Docker, or let this user at it (`docker info` must work); "
    "smoke tests also run without: --engine process"
)


class ContainerEngine:
    """A container engine that responds.

    Attributes:
        client: docker-py's client, with bounds.
        run_id: eight hex digits, in the names and labels of everything that this run makes.
        host: the host of published ports, such as `127.0.0.1`.
        version: the engine's version, as it reports it.
        architecture: the architecture of its images, as in uname, such as `x86_64`.
    """

    def __init__(self, client: BoundedClient, address: str) -> None:
        self.client = client
        self.run_id = secrets.token_hex(4)
        self.host = _find_published_host(address)
        with translate_engine_errors("ask the engine for its version"):
            version_info = client.version()
        self.version = str(version_info.get("Version", "unknown"))
        arch = str(version_info.get("Arch", "amd64"))
        self.architecture = {"amd64": "x86_64", "arm64": "aarch64"}.get(arch, arch)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of everything that this run makes and also removes."""
        return {RUN_LABEL: self.run_id}


def connect_engine(env: Mapping[str, str]) -> ContainerEngine:
    """Connect to the same engine as Docker's own client.

    That is `DOCKER_HOST`, else the context `DOCKER_CONTEXT`, else the current context.

    Raises:
        EngineError: no engine responds there, or there is no such context.
        RequestError: the variable for the time-out is malformed.
    """
    from docker.errors import DockerException
    from docker.utils import kwargs_from_env

    timeout = read_timeout(env)
    try:
        options: dict[str, Any] = dict(kwargs_from_env(environment=dict(env)))
        if not options.get("base_url"):
            options = _read_context(env.get("DOCKER_CONTEXT"))
        if options["base_url"].startswith("ssh:"):
            return _connect_over_ssh(options["base_url"], timeout)
        client = _connect_client(options, timeout)
    except (DockerException, OSError, ValueError) as error:
        raise EngineError(
            f"no container engine answers: {_shorten_error(error)}", _CONNECT_HINT
        ) from error
    return ContainerEngine(client, str(client.api.base_url))


def _connect_over_ssh(address: str, timeout: float | None) -> ContainerEngine:
    from docker.errors import DockerException

    tunnel = SshTunnel(address)
    atexit.register(tunnel.close)
    try:
        client = _connect_client({"base_url": tunnel.url}, timeout)
    except (DockerException, OSError, ValueError) as error:
        why = tunnel.read_last_error() or _shorten_error(error)
        raise EngineError(
            f"no container engine answers at {mask_address(address)}: {hide_secrets(why, 'ssh')}",
            _SSH_HINT,
        ) from error
    return ContainerEngine(client, address)


def _connect_client(options: Mapping[str, Any], timeout: float | None) -> BoundedClient:
    from builder.containers.bounded_client import BoundedClient, RequestBounds

    seconds = ENGINE_SECONDS if timeout is None else timeout
    server = mask_address(options["base_url"])
    run_with_deadline(partial(_check_socket, options["base_url"], seconds), seconds, server)
    # docker-py's own time-out is for one read: never before our deadline.
    client = BoundedClient(
        RequestBounds(server, timeout), timeout=math.ceil(seconds) + 1, **options
    )
    client.ping()
    return client


def _check_socket(address: str, seconds: float) -> None:
    """Check that a process listens on a socket, as docker-py leaks its own socket otherwise.

    Raises:
        OSError: no process listens there, or this user may not connect.
    """
    parts = urlsplit(address)
    if parts.scheme not in {"unix", "http+unix"}:
        return
    path = f"/{(parts.netloc + parts.path).lstrip('/')}"
    if path == "/":  # docker-py has a default path for that
        return
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        code = connection.connect_ex(path)
    if code:
        raise OSError(f"{path}: {os.strerror(code)}")


def _read_context(name: str | None) -> dict[str, Any]:
    """Read a Docker context (None: the current one) as keyword arguments for docker-py's client.

    Raises:
        EngineError: there is no such context; another engine must not be used instead.
    """
    from docker.context import ContextAPI
    from docker.context.config import get_current_context_name

    name = name or get_current_context_name() or "default"
    try:
        context = cast("Context | None", ContextAPI.get_context(name))
        host = None if context is None else context.Host
    except Exception as error:  # docker-py raises nothing narrower where a context is malformed
        raise EngineError(
            f"the Docker context {name!r} cannot be read", _shorten_error(error)
        ) from error
    if context is None or not host:
        raise EngineError(
            f"there is no Docker context {name!r}",
            "`docker context ls` shows those that are there; DOCKER_CONTEXT names one",
        )
    tls = {"tls": context.TLSConfig} if host.startswith("tcp:") else {}
    return {"base_url": host, **tls}


@contextmanager
def translate_engine_errors(
    what: str, hint: str = "look at the engine's own log"
) -> Iterator[None]:
    """Turn the engine's errors into EngineError, with a message that names the failed action.

    Raises:
        EngineError: the engine refused the request, or stopped responding.
    """
    import requests
    from docker.errors import DockerException
    from urllib3.exceptions import HTTPError

    try:
        yield
    # If a stream breaks off, urllib3 or the socket raises its own error.
    except (
        DockerException,
        requests.RequestException,
        HTTPError,
        ConnectionError,
        TimeoutError,
    ) as error:
        message = _shorten_error(error)
        if "no space left" in message.lower():
            hint = "free space in the engine: `nox -s prune`, `docker system df`"
        raise EngineError(f"the engine could not {what}: {message}", hint) from error


def _find_published_host(address: str) -> str:
    """Find the host of published ports: a remote engine's own host, or the loopback address."""
    parts = urlsplit(address)
    remote = parts.scheme in {"http", "https", "ssh"} and parts.hostname is not None
    return str(parts.hostname) if remote else "127.0.0.1"


def _shorten_error(error: Exception) -> str:
    explanation = getattr(error, "explanation", None)
    text = " ".join(str(explanation or error).split())
    return hide_secrets(text, "the engine or its client", longest=400)
