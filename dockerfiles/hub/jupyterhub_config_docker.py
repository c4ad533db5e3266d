r"""A Hub with a container for each user. A test configuration: it mounts the engine's socket.

WHOEVER REACHES THAT SOCKET IS ROOT on the engine's host: the Hub here is as mighty as root there,
and so is everybody who breaks into it. Its users' containers do not have the socket.

    docker network create hub
    docker run --rm -it --user 0 --network hub --name hub -p 8000:8000 \
      -v /var/run/docker.sock:/var/run/docker.sock \
      -e HUB_NETWORK=hub -e HUB_IMAGE=tb_test:jupyterhub tb_test:jupyterhub \
      jupyterhub -f jupyterhub_config_docker.py
"""

import json
import os
import socket
from contextlib import suppress

from docker.errors import APIError
from dockerspawner import DockerSpawner

c = get_config()  # noqa: F821 - JupyterHub puts it there

load_subconfig("jupyterhub_config.py")  # noqa: F821 - so does it this


class LoggedSpawner(DockerSpawner):
    """Leaves in the Hub's log what a server wrote, as that goes with its container."""

    async def remove_object(self):
        """Remove the container; also one whose start failed."""
        with suppress(APIError):
            written = await self.docker("logs", self.object_id)
            self.log.info("%s wrote:\n%s", self.object_name, written.decode("utf-8", "replace"))
        await super().remove_object()


c.JupyterHub.spawner_class = LoggedSpawner
# Users' servers reach the Hub by its name in their network, and not by its loopback.
c.JupyterHub.hub_ip = "0.0.0.0"  # noqa: S104 - of the container
c.JupyterHub.hub_connect_ip = socket.gethostname()
c.DockerSpawner.image = os.environ["HUB_IMAGE"]
c.DockerSpawner.network_name = os.environ["HUB_NETWORK"]
c.DockerSpawner.cmd = ["jupyterhub-singleuser"]
c.DockerSpawner.remove = True
# By the spawner, which looks at the log first, and not by the engine as soon as it ends.
c.DockerSpawner.extra_host_config = {"auto_remove": False}
c.DockerSpawner.prefix = os.environ.get("HUB_PREFIX", "jupyter")
# What a test started, it finds again.
c.DockerSpawner.extra_create_kwargs = {"labels": json.loads(os.environ.get("HUB_LABELS", "{}"))}
