"""Hubs in containers, one for each configuration, with the Hub's port published and no other."""

from __future__ import annotations

import json
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from builder.containers.containers import Started, labelled, running
from builder.containers.door import LABEL, NAMESPACE
from builder.errors import SmokeError
from builder.smoke.engines.docker import InContainer
from builder.smoke.engines.startup import wait_until_up
from builder.smoke.hub.configurations import PORT
from builder.smoke.hub.member import SPAWN
from builder.smoke.model import Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.containers.container import Container
    from builder.containers.door import Engine
    from builder.smoke.hub.configurations import Configuration
    from builder.smoke.hub.member import Member

UP = 90.0  # seconds until the Hub must answer; it takes 3 on two idle cores
# A container of a user carries it beside the run's label; its value is the Hub's container.
HUB_LABEL = "tensorboard-proxy-wheels.hub"
# Where the engine itself finds its socket, whoever talks to it and from where.
SOCKET = "/var/run/docker.sock"
# The browser's probes drive the front end by its commands (`builder.smoke.engines.stack`).
_ARGUMENTS = ("--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None")


class Ground(NamedTuple):
    """What Hubs are started on.

    Attributes:
        engine: runs them.
        image: with JupyterHub and the TensorBoard wheel.
        network: the run's.
        socket: the engine's socket, on the engine's host.
    """

    engine: Engine
    image: str
    network: str
    socket: str = SOCKET


class InHub(InContainer):
    """The inside of a user's server, which may have a container of its own behind the Hub's."""

    def __init__(self, hub: Container, user: Container, neighbour: Container) -> None:
        super().__init__(user, neighbour)
        self._hub = InContainer(hub, neighbour)

    def published(self) -> Mapping[int, int]:
        """Of both containers."""
        return {**super().published(), **self._hub.published()}

    def reachable(self, port: int) -> dict[str, bool]:
        """Asked of the user's container, or of the Hub's for the Hub's own port."""
        return self._hub.reachable(port) if port == PORT else super().reachable(port)


@dataclass(frozen=True, slots=True)
class Hub:
    """A running Hub.

    Attributes:
        ground: what it runs on.
        configuration: how it is set up.
        container: holds the Hub, its proxy, and local users' servers.
        neighbour: a container beside it, for asking from there.
        root: its address, its prefix included, with a slash at its end.
        label: the value of `HUB_LABEL` of its users' containers.
    """

    ground: Ground
    configuration: Configuration
    container: Container
    neighbour: Container
    root: str
    label: str

    def containers(self) -> list[Container]:
        """Its users' containers, running or not.

        Raises:
            EngineError: the engine does not answer.
        """
        return labelled(self.ground.engine, HUB_LABEL, self.label)

    def site(self, member: Member, release: str, server: str = "") -> Site:
        """The server of a member, as the harness of the other smoke tests takes it."""
        deployment = self.configuration.deployment(member.name, server)
        inside = InHub(self.container, self.container_of(member.name), self.neighbour)
        url = member.url(server)
        return Site(deployment, url, member.token, release, inside, member.person)

    def container_of(self, name: str) -> Container:
        """The container in which the servers of that user run.

        Raises:
            SmokeError: there is none.
        """
        if not self.configuration.contained:
            return self.container
        wanted = f"{self.label}-{name}"
        found = next((c for c in self.containers() if c.name == wanted), None)
        if found is None:
            raise SmokeError(f"there is no container {wanted}", "look at the Hub's log")
        return found


@contextmanager
def start(ground: Ground, configuration: Configuration) -> Iterator[Hub]:
    """A Hub for as long as the block lasts; its users' containers go with it.

    Raises:
        EngineError: a container cannot be started.
        SmokeError: the Hub did not answer in time; the last lines of its log are in the hint.
    """
    engine, name = ground.engine, f"{configuration.name}-{secrets.token_hex(2)}"
    label = f"{NAMESPACE}-{engine.run}-{name}"
    beside = Started(ground.image, ["sleep", "3600"], network=ground.network)
    with (
        _no_users_left(ground, label),
        running(engine, name, _how(ground, configuration, label)) as container,
        running(engine, f"{name}-beside", beside) as neighbour,
    ):
        root = f"http://{engine.host}:{container.port(PORT)}{configuration.prefix}"
        wait_until_up(
            "the Hub",
            f"{root}hub/health",
            UP,
            ended=container.exit_code,
            log=container.log,
        )
        yield Hub(ground, configuration, container, neighbour, root, label)


def _how(ground: Ground, configuration: Configuration, label: str) -> Started:
    words = ["jupyterhub", "-f", configuration.file]
    words += [f"--JupyterHub.base_url={configuration.prefix}"]
    words += [f"--Spawner.args={argument}" for argument in (*_ARGUMENTS, *configuration.arguments)]
    # The Hub's own limits are for people who wait; ours are stated where we wait.
    words += [f"--Spawner.{name}_timeout={SPAWN:.0f}" for name in ("start", "http")]
    environ = dict(configuration.environ)
    if not configuration.contained:
        return Started(ground.image, words, environ, ground.network, publish=(PORT,))
    environ |= {
        "HUB_IMAGE": ground.image,
        "HUB_NETWORK": ground.network,
        "HUB_PREFIX": label,
        "HUB_LABELS": json.dumps({LABEL: ground.engine.run, HUB_LABEL: label}),
    }
    # Only root may talk to the socket, whose own user and group are the engine's host's affair.
    binds = {ground.socket: f"{SOCKET}:rw"}
    return Started(ground.image, words, environ, ground.network, (PORT,), binds, user="0")


@contextmanager
def _no_users_left(ground: Ground, label: str) -> Iterator[None]:
    """The Hub goes first, so that it starts no other; then what it started."""
    try:
        yield
    finally:
        for container in labelled(ground.engine, HUB_LABEL, label):
            container.remove()
