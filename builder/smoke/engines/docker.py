"""Run sites in containers: one for each deployment, in the run's network, one port published."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from builder.containers.containers import ContainerOptions, run_container
from builder.smoke.engines import stack
from builder.smoke.engines.startup import wait_until_up
from builder.smoke.model import PROXY_URL_VARIABLE, JupyterSite
from builder.system.ports import can_connect
from builder.system.redact import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from builder.containers.container import Container
    from builder.containers.docker_engine import ContainerEngine
    from builder.smoke.model import Deployment, WheelUnderTest

CONTAINER_START_TIMEOUT = 120.0  # seconds until Jupyter must answer; several start at once
_CONNECT = (
    "import socket, sys\n"
    "for port in map(int, sys.argv[2:]):\n"
    "    with socket.socket() as s:\n"
    "        s.settimeout(3)\n"
    "        print(port, s.connect_ex((sys.argv[1], port)))\n"
)


class ContainerAccess:
    """Access to the inside of a container, and to what neighbours and host can reach of it."""

    def __init__(self, container: Container, neighbour: Container | None) -> None:
        self._container = container
        self._neighbour = neighbour

    def run_command(
        self, words: Sequence[str], *, root: bool = False, timeout: float = 30.0
    ) -> tuple[int, str]:
        """Run a program next to Jupyter, as its user or as root; exit code and all output."""
        # The engine has no time limit for an exec; coreutils' `timeout` exits with 124 at its own.
        words = ["timeout", str(timeout), *words]
        return self._container.run_program(words, user="0" if root else "")

    def read_log(self) -> str:
        """Jupyter's log so far."""
        return self._container.read_log()

    def published_ports(self) -> Mapping[int, int]:
        """Port inside → port on the engine's host, as `docker inspect` reports it."""
        return self._container.read_published_ports()

    def check_reachable(self, port: int) -> dict[str, bool]:
        """Connect from a container in the same network, and from the engine's host if we run there.

        Returns:
            Place of the attempt → whether it succeeded.
        """
        address = self._container.read_address()
        reachable: dict[str, bool] = {}
        if self._neighbour is not None:
            words = ["python3", "-c", _CONNECT, address, str(port)]
            _, out = self._neighbour.run_program(words)
            reachable["a container beside it"] = out.split() == [str(port), "0"]
        if self._container.engine.host == "127.0.0.1":
            reachable["the host, by the container's address"] = can_connect(address, port)
        return reachable


@contextmanager
def start_jupyter_container(
    engine: ContainerEngine, image: str, deployment: Deployment, wheel: WheelUnderTest, net: str
) -> Iterator[JupyterSite]:
    """Run a deployment in a container for as long as the block lasts.

    Args:
        engine: runs the container.
        image: an image with Jupyter and the TensorBoard wheel.
        deployment: what to serve.
        wheel: the TensorBoard wheel in the image.
        net: name of the run's network.

    Raises:
        EngineError: the container cannot be started.
        SmokeError: Jupyter did not answer in time; the last lines of its log are in the hint.
    """
    token = Secret.generate()
    env = {"JUPYTER_TOKEN": token.value}
    # The image sets the variable for manual use, so a deployment without it has to unset it: an
    # empty variable counts as unset in our wheels only.
    words = stack.build_jupyter_command(deployment, ip="0.0.0.0")  # noqa: S104 - of the container
    if deployment.variable is None:
        words = ["env", "-u", PROXY_URL_VARIABLE, *words]
    else:
        env[PROXY_URL_VARIABLE] = deployment.variable
    options = ContainerOptions(image, words, env, network=net, publish=(stack.JUPYTER_PORT,))
    with ExitStack() as cleanup:
        container = cleanup.enter_context(run_container(engine, deployment.name, options))
        neighbour = None
        if "only" in deployment.layers:  # no other layer connects from a neighbour
            neighbour_options = ContainerOptions(image, ["sleep", "3600"], network=net)
            neighbour = cleanup.enter_context(
                run_container(engine, f"{deployment.name}-beside", neighbour_options)
            )
        url = f"http://{engine.host}:{container.find_host_port(stack.JUPYTER_PORT)}{deployment.base_url}"
        wait_until_up(
            "Jupyter",
            f"{url}api",
            CONTAINER_START_TIMEOUT,
            ended=container.read_exit_code,
            log=container.read_log,
        )
        yield JupyterSite(deployment, url, token, wheel, ContainerAccess(container, neighbour))
