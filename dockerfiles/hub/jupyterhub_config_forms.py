"""A Hub in which every user has another form of TENSORBOARD_PROXY_URL: right ones and mistakes.

A test configuration. `HUB_FORMS` is JSON, user → form; in a form `{base_url}` is the server's,
`{origin}` that of the request which starts it, `{callable}` what jupyterhub_config.py says, and
`{callable without a server}` what it says before JupyterHub has given the spawner one. `null` is
for unset; what holds `${` is left to the shell that starts the server, as docker-stacks does.
"""

import json
import os
from types import SimpleNamespace

c = get_config()  # noqa: F821 - JupyterHub puts it there

load_subconfig("jupyterhub_config.py")  # noqa: F821 - so does it this

FORMS = json.loads(os.environ["HUB_FORMS"])
NAME = "TENSORBOARD_PROXY_URL"
START = 'export {}="{}"; exec jupyterhub-singleuser "$@"'
proxy_url = c.Spawner.environment.pop(NAME)


def set_form(spawner):
    """Give this user's server the form that is theirs."""
    form = FORMS.get(spawner.user.name)
    if form is None:
        return
    if "${" in form:
        spawner.cmd = ["sh", "-c", START.format(NAME, form), "sh"]
        return
    request = spawner.handler.request
    early = SimpleNamespace(server=None, user=spawner.user, name=spawner.name)
    known = {
        "{base_url}": spawner.server.base_url,
        "{origin}": f"{request.protocol}://{request.host}",
        "{callable}": proxy_url(spawner),
        "{callable without a server}": proxy_url(early),
    }
    for name, value in known.items():
        form = form.replace(name, value)
    spawner.environment = {NAME: form}


c.Spawner.pre_spawn_hook = set_form
c.JupyterHub.allow_named_servers = True
