"""Run Hubs in containers: one for each configuration, with only the Hub's port published."""

from __future__ import annotations

import json
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from builder.containers.containers import ContainerOptions, list_containers, run_container
from builder.containers.docker_engine import NAMESPACE, RUN_LABEL
from builder.errors import SmokeError
from builder.smoke.engines.docker import ContainerAccess
from builder.smoke.engines.startup import wait_until_up
from builder.smoke.hub.configurations import HUB_PORT
from builder.smoke.hub.hub_user import SPAWN_TIMEOUT
from builder.smoke.model import JupyterSite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.containers.container import Container
    from builder.containers.docker_engine import ContainerEngine
    from builder.smoke.hub.configurations import HubConfiguration
    from builder.smoke.hub.hub_user import HubUser
    from builder.smoke.model import WheelUnderTest

HUB_START_TIMEOUT = 90.0  # seconds until the Hub must answer; it takes 3 on two idle cores
# Label of users' containers, besides the run's; its value is the name of the Hub's container.
HUB_LABEL = "tensorboard-proxy-wheels.hub"
# The engine's socket on the engine's own host, wherever its clients run.
ENGINE_SOCKET = "/var/run/docker.sock"
# The browser's probes drive the front end by its command API (`builder.smoke.engines.stack`).
_ARGUMENTS = ("--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None")


class HubResources(NamedTuple):
    """What Hubs are started on.

    Attributes:
        engine: runs the containers.
        image: an image with JupyterHub and the TensorBoard wheel.
        wheel: that wheel.
        network: name of the run's network.
        socket: path of the engine's socket, on the engine's host.
    """

    engine: ContainerEngine
    image: str
    wheel: WheelUnderTest
    network: str
    socket: str = ENGINE_SOCKET


class HubAccess(ContainerAccess):
    """Access to a user's server, which may run in a container of its own or in the Hub's."""

    def __init__(self, hub: Container, user: Container, neighbour: Container) -> None:
        super().__init__(user, neighbour)
        self._hub = ContainerAccess(hub, neighbour)

    def published_ports(self) -> Mapping[int, int]:
        """The published ports of both containers."""
        return {**super().published_ports(), **self._hub.published_ports()}

    def check_reachable(self, port: int) -> dict[str, bool]:
        """Try to connect to the user's container, or to the Hub's for the Hub's own port."""
        return (
            self._hub.check_reachable(port) if port == HUB_PORT else super().check_reachable(port)
        )


class Hub(msgspec.Struct, frozen=True):
    """A running Hub.

    Attributes:
        resources: what it runs on.
        configuration: how it is set up.
        container: runs the Hub, its proxy, and the servers of local users.
        neighbour: a container in the same network, to connect from.
        root: its address, its prefix included, with a slash at its end.
        label: the value of `HUB_LABEL` on its users' containers.
    """

    resources: HubResources
    configuration: HubConfiguration
    container: Container
    neighbour: Container
    root: str
    label: str

    def list_containers(self) -> list[Container]:
        """List its users' containers, running or not.

        Raises:
            EngineError: the engine does not answer.
        """
        return list_containers(self.resources.engine, HUB_LABEL, self.label)

    def find_site(self, hub_user: HubUser, server: str = "") -> JupyterSite:
        """The server of a user, as a site for the other smoke tests."""
        deployment = self.configuration.to_deployment(hub_user.name, server)
        access = HubAccess(self.container, self.find_container(hub_user.name), self.neighbour)
        url, wheel = hub_user.server_url(server), self.resources.wheel
        return JupyterSite(deployment, url, hub_user.token, wheel, access, hub_user.credentials)

    def find_container(self, name: str) -> Container:
        """Find the container in which the servers of a user run.

        Raises:
            SmokeError: there is none.
        """
        if not self.configuration.contained:
            return self.container
        wanted = f"{self.label}-{name}"
        found = next((c for c in self.list_containers() if c.name == wanted), None)
        if found is None:
            raise SmokeError(f"there is no container {wanted}", "look at the Hub's log")
        return found


@contextmanager
def start_hub(resources: HubResources, configuration: HubConfiguration) -> Iterator[Hub]:
    """Run a Hub for as long as the block lasts; its users' containers are removed with it.

    Raises:
        EngineError: a container cannot be started.
        SmokeError: the Hub did not answer in time; the last lines of its log are in the hint.
    """
    engine, name = resources.engine, f"{configuration.name}-{secrets.token_hex(2)}"
    label = f"{NAMESPACE}-{engine.run_id}-{name}"
    neighbour_options = ContainerOptions(
        resources.image, ["sleep", "3600"], network=resources.network
    )
    with (
        _remove_user_containers(resources, label),
        run_container(
            engine, name, _describe_hub_container(resources, configuration, label)
        ) as container,
        run_container(engine, f"{name}-beside", neighbour_options) as neighbour,
    ):
        root = f"http://{engine.host}:{container.find_host_port(HUB_PORT)}{configuration.prefix}"
        wait_until_up(
            "the Hub",
            f"{root}hub/health",
            HUB_START_TIMEOUT,
            ended=container.read_exit_code,
            log=container.read_log,
        )
        yield Hub(resources, configuration, container, neighbour, root, label)


def _describe_hub_container(
    resources: HubResources, configuration: HubConfiguration, label: str
) -> ContainerOptions:
    words = ["jupyterhub", "-f", configuration.file]
    words += [f"--JupyterHub.base_url={configuration.prefix}"]
    words += [f"--Spawner.args={argument}" for argument in (*_ARGUMENTS, *configuration.arguments)]
    # The Hub's own time limits are for people who wait; ours apply where we wait.
    words += [f"--Spawner.{name}_timeout={SPAWN_TIMEOUT:.0f}" for name in ("start", "http")]
    env = dict(configuration.env)
    if not configuration.contained:
        return ContainerOptions(resources.image, words, env, resources.network, publish=(HUB_PORT,))
    env |= {
        "HUB_IMAGE": resources.image,
        "HUB_NETWORK": resources.network,
        "HUB_PREFIX": label,
        "HUB_LABELS": json.dumps({RUN_LABEL: resources.engine.run_id, HUB_LABEL: label}),
    }
    # Only root is sure to have access to the socket: its owner and group are up to the host.
    binds = {resources.socket: f"{ENGINE_SOCKET}:rw"}
    return ContainerOptions(
        resources.image, words, env, resources.network, (HUB_PORT,), binds, user="0"
    )


@contextmanager
def _remove_user_containers(resources: HubResources, label: str) -> Iterator[None]:
    """Remove the users' containers after the block.

    By then the Hub must have ended, so that it starts no more of them.
    """
    try:
        yield
    finally:
        for container in list_containers(resources.engine, HUB_LABEL, label):
            container.remove()
