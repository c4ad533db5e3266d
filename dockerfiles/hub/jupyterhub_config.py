"""JupyterHub for trying TensorBoard by hand: user `testuser` or any other, with any password.

Nobody is kept apart from anybody here: `SimpleLocalProcessSpawner` runs every server as the Hub's
own user, and they share one loopback, so each user can read the TensorBoards of all the others.
"""

from jupyterhub.utils import url_escape_path

c = get_config()  # noqa: F821 - JupyterHub puts it there

c.JupyterHub.bind_url = "http://:8000"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.Spawner.default_url = "/lab"


def proxy_url(spawner):
    """Where a frame finds a TensorBoard: below the user's server, whatever the Hub's own prefix.

    JupyterHub gives a spawner its server before it asks for the environment. Where there is none
    its address is worked out: an empty answer would, with TensorBoard as published, show the
    notebook's page inside itself.
    """
    if spawner.server:
        return spawner.server.base_url + "proxy/%PORT%/"
    named = url_escape_path(spawner.name) + "/" if spawner.name else ""
    return spawner.user.base_url + named + "proxy/%PORT%/"


c.Spawner.environment = {"TENSORBOARD_PROXY_URL": proxy_url}
