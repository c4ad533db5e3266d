"""The Hub configurations of the smoke tests, as data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from builder.smoke.hub import variable_forms
from builder.smoke.hub.hub_user import escape_user_name
from builder.smoke.model import Deployment, Frontend

if TYPE_CHECKING:
    from collections.abc import Mapping

HUB_PORT = 8000
# The layers that the other smoke tests have, too; the rest are for Hubs only.
_SHARED_LAYERS = ("kernel", "only", "endpoints", "browser", "reopen", "control", "browser-control")


class HubConfiguration(msgspec.Struct, frozen=True):
    """One way to set up a Hub, as data.

    Attributes:
        name: directory of its report, such as `hub`.
        file: its configuration file in dockerfiles/hub/.
        prefix: the Hub's prefix, with a slash at both ends.
        variable: `TENSORBOARD_PROXY_URL` of its servers; `{base_url}` stands for the server's.
        contained: whether every user has a container.
        layers: the layers of probes that it goes through.
        env: environment variables for the configuration file.
        existing: whether the user's server is tested as one that we did not start, with a token
            only.
        arguments: command-line arguments of its users' servers, in addition to those that all have.
    """

    name: str
    file: str = "jupyterhub_config.py"
    prefix: str = "/"
    variable: str | None = "{base_url}proxy/%PORT%/"
    contained: bool = False
    layers: tuple[str, ...] = ()
    env: Mapping[str, str] = msgspec.field(default_factory=dict)
    existing: bool = False
    arguments: tuple[str, ...] = ()

    def to_deployment(self, name: str, server: str = "") -> Deployment:
        """Describe a user's server as a deployment of the other smoke tests."""
        base_url = f"{self.prefix}user/{escape_user_name(name)}/" + (
            f"{escape_user_name(server)}/" if server else ""
        )
        variable = self.variable
        redirected = variable is not None and "user-redirect" in variable
        return Deployment(
            self.name,
            Frontend.LAB,
            base_url,
            None if variable is None else variable.replace("{base_url}", base_url),
            tuple(layer for layer in self.layers if layer in _SHARED_LAYERS),
            HUB_PORT,
            f"{self.prefix}hub/user-redirect/" if redirected else "",
            hub=True,
        )


TEST_USER = "testuser"
USER_LAYERS = ("kernel", "only", "browser", "reopen")
# Seconds for which a user's server caches the Hub's answer about a token; the default is 300
# (`HubAuth.cache_max_age` in jupyterhub/services/auth.py), which is long to wait.
TOKEN_CACHE_SECONDS = 2
_SHORT_TOKEN_CACHE = (f"--HubOAuth.cache_max_age={TOKEN_CACHE_SECONDS}",)


def _make_forms_configuration(name: str, prefix: str) -> HubConfiguration:
    env = {"HUB_FORMS": json.dumps(variable_forms.map_users_to_values(prefix))}
    return HubConfiguration(name, "jupyterhub_config_forms.py", prefix, layers=(name,), env=env)


_DOCKER = "jupyterhub_config_docker.py"
HUB_CONFIGURATIONS = (
    HubConfiguration(
        "hub", layers=(*USER_LAYERS, "isolation", "stopped"), arguments=_SHORT_TOKEN_CACHE
    ),
    HubConfiguration(
        "hub-redirect",
        "jupyterhub_config_redirect.py",
        variable="/hub/user-redirect/proxy/%PORT%/",
        layers=("endpoints", *USER_LAYERS),
    ),
    HubConfiguration(
        "hub-containers",
        _DOCKER,
        contained=True,
        layers=(*USER_LAYERS, "isolation", "stopped"),
        arguments=_SHORT_TOKEN_CACHE,
    ),
    HubConfiguration("hub-existing", layers=USER_LAYERS, existing=True),
    _make_forms_configuration("hub-forms", variable_forms.ROOT),
    _make_forms_configuration("hub-forms-prefix", variable_forms.PREFIX),
    HubConfiguration("hub-load", _DOCKER, contained=True, layers=("load",)),
)
# The negative controls: no user has a form, so the variable is unset; or the wheel has no patch.
HUB_UNSET_CONTROL = HubConfiguration(
    "hub-unset",
    "jupyterhub_config_forms.py",
    variable=None,
    layers=("control", "browser-control"),
    env={"HUB_FORMS": "{}"},
)
HUB_UNPATCHED_CONTROL = HubConfiguration("hub-unpatched", layers=("control", "browser-control"))
