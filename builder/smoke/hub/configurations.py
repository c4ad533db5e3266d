"""The configurations of the Hub that the smoke tests know, as data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.smoke.hub import forms
from builder.smoke.hub.member import escaped
from builder.smoke.model import Deployment, Frontend

if TYPE_CHECKING:
    from collections.abc import Mapping

PORT = 8000
# The layers of the other smoke tests; the rest are a Hub's own.
_HARNESS = ("kernel", "only", "endpoints", "browser", "reopen", "control", "browser-control")


@dataclass(frozen=True, slots=True)
class Configuration:
    """A way to set up a Hub.

    Attributes:
        name: directory of its report, such as `hub`.
        file: its configuration file in dockerfiles/hub/.
        prefix: of the Hub, with a slash at both ends.
        variable: `TENSORBOARD_PROXY_URL` as its servers get it, `{base_url}` being the server's.
        contained: whether every user has a container.
        layers: the layers of probes that it goes through.
        environ: for the configuration file.
        existing: whether the user's server is asked as one that is not ours, with a token alone.
        arguments: of its users' servers, beside those that all have.
    """

    name: str
    file: str = "jupyterhub_config.py"
    prefix: str = "/"
    variable: str | None = "{base_url}proxy/%PORT%/"
    contained: bool = False
    layers: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    existing: bool = False
    arguments: tuple[str, ...] = ()

    def deployment(self, name: str, server: str = "") -> Deployment:
        """What the server of a user is to the harness of the other smoke tests."""
        base_url = f"{self.prefix}user/{escaped(name)}/" + (f"{escaped(server)}/" if server else "")
        variable = self.variable
        redirected = variable is not None and "user-redirect" in variable
        return Deployment(
            self.name,
            Frontend.LAB,
            base_url,
            None if variable is None else variable.replace("{base_url}", base_url),
            tuple(layer for layer in self.layers if layer in _HARNESS),
            PORT,
            f"{self.prefix}hub/user-redirect/" if redirected else "",
            hub=True,
        )


USER = "testuser"
SHOWN = ("kernel", "only", "browser", "reopen")
# Seconds for which a user's server goes on believing what the Hub said of a token; its default is
# 300, `HubAuth.cache_max_age` in jupyterhub/services/auth.py, which is long to wait.
REMEMBERS = 2
_FORGETFUL = (f"--HubOAuth.cache_max_age={REMEMBERS}",)


def _forms(name: str, prefix: str) -> Configuration:
    environ = {"HUB_FORMS": json.dumps(forms.values(prefix))}
    return Configuration(
        name, "jupyterhub_config_forms.py", prefix, layers=(name,), environ=environ
    )


_DOCKER = "jupyterhub_config_docker.py"
CONFIGURATIONS = (
    Configuration("hub", layers=(*SHOWN, "isolation", "stopped"), arguments=_FORGETFUL),
    Configuration(
        "hub-redirect",
        "jupyterhub_config_redirect.py",
        variable="/hub/user-redirect/proxy/%PORT%/",
        layers=("endpoints", *SHOWN),
    ),
    Configuration(
        "hub-containers",
        _DOCKER,
        contained=True,
        layers=(*SHOWN, "isolation", "stopped"),
        arguments=_FORGETFUL,
    ),
    Configuration("hub-existing", layers=SHOWN, existing=True),
    _forms("hub-forms", forms.ROOT),
    _forms("hub-forms-prefix", forms.PREFIX),
    Configuration("hub-load", _DOCKER, contained=True, layers=("load",)),
)
# The negative controls: nobody has a form, so the variable is unset; and a wheel without the patch.
UNSET = Configuration(
    "hub-unset",
    "jupyterhub_config_forms.py",
    variable=None,
    layers=("control", "browser-control"),
    environ={"HUB_FORMS": "{}"},
)
UNPATCHED = Configuration("hub-unpatched", layers=("control", "browser-control"))
