"""The forms of `TENSORBOARD_PROXY_URL` that are seen on Hubs, and their effects, as data."""

from __future__ import annotations

from typing import NamedTuple

from builder.smoke.model import VariableEffect

ROOT, PREFIX = "/", "/jhub/"


class HubVariableForm(NamedTuple):
    """A form of the variable on a Hub.

    Attributes:
        value: the value, as dockerfiles/hub/jupyterhub_config_forms.py takes it; None for unset.
        where: where it is seen.
        effect: what the user sees.
        prefix: the Hub's prefix.
        user: the user's name, or "" for one derived from the probe's name.
        server: the server's name, or "" for the default one.
        arguments: further arguments of `%tensorboard`; `{base_url}` stands for the server's base
            URL, `{free}` for a free port.
    """

    value: str | None
    where: str
    effect: str
    prefix: str = ROOT
    user: str = ""
    server: str = ""
    arguments: str = ""


# `user-redirect` starts the default server if it does not run, whatever other servers the user has.
STARTS_DEFAULT = "a blank frame: the Hub starts the default server, on a page not to be framed"
_CALLABLE, _REDIRECT = "{callable}", "/hub/user-redirect/proxy/%PORT%/"
_STACKS = "${JUPYTERHUB_SERVICE_PREFIX:-/}proxy/%PORT%/"
_ABSOLUTE = "{base_url}proxy/absolute/%PORT%/"
_WORKS, _LOST, _UNSET = VariableEffect.WORKS, VariableEffect.NOT_FOUND, VariableEffect.AS_UNSET

HUB_VARIABLE_FORMS: dict[str, HubVariableForm] = {
    "hub-form-callable": HubVariableForm(
        _CALLABLE, "our jupyterhub_config.py, for `ann@example.org`", _WORKS, user="ann@example.org"
    ),
    "hub-form-named": HubVariableForm(
        _CALLABLE, "the same, a named server", _WORKS, server="second"
    ),
    "hub-form-early": HubVariableForm(
        "{callable without a server}", "the same before the spawner has a server", _WORKS
    ),
    "hub-form-early-named": HubVariableForm(
        "{callable without a server}", "the same, a named server", _WORKS, server="second"
    ),
    "hub-form-stacks": HubVariableForm(_STACKS, "docker-stacks' images", _WORKS),
    "hub-form-redirect": HubVariableForm(_REDIRECT, "one address for all users", _WORKS),
    "hub-form-full-url": HubVariableForm(f"{{origin}}{_REDIRECT}", "an HPC centre", _WORKS),
    "hub-form-no-slash": HubVariableForm(
        "{base_url}proxy/%PORT%", "the last slash forgotten", _WORKS
    ),
    "hub-form-redirect-named": HubVariableForm(
        _REDIRECT, "a named server: it leads to the default one", STARTS_DEFAULT, server="second"
    ),
    "hub-form-plain": HubVariableForm(
        "/proxy/%PORT%/", "taken over from a Jupyter without a Hub", _LOST
    ),
    "hub-form-absolute": HubVariableForm(_ABSOLUTE, "the original README", _LOST),
    "hub-form-absolute-prefixed": HubVariableForm(
        _ABSOLUTE,
        "the same, and TensorBoard told of it",
        _WORKS,
        arguments="--port {free} --path_prefix {base_url}proxy/absolute/{free}",
    ),
    "hub-form-empty": HubVariableForm("", "a callable that gives up without a server", _UNSET),
    "hub-form-unset": HubVariableForm(None, "nobody set it", _UNSET),
    "hub-form-prefix": HubVariableForm(
        _CALLABLE, "our callable, a Hub under a prefix", _WORKS, PREFIX, user="ann@example.org"
    ),
    "hub-form-prefix-named": HubVariableForm(
        _CALLABLE, "the same, a named server", _WORKS, PREFIX, server="second"
    ),
    "hub-form-prefix-stacks": HubVariableForm(
        _STACKS, "docker-stacks, under a prefix", _WORKS, PREFIX
    ),
    "hub-form-prefix-redirect": HubVariableForm(
        f"/jhub{_REDIRECT}", "one address for all, with the prefix", _WORKS, PREFIX
    ),
    "hub-form-prefix-forgotten": HubVariableForm(
        _REDIRECT, "one address for all, the prefix forgotten", _LOST, PREFIX
    ),
}


def name_form_user(name: str, form: HubVariableForm) -> str:
    """The name of the user for a form: every form has a user of its own."""
    return form.user or name.removeprefix("hub-form-")


def map_users_to_values(prefix: str) -> dict[str, str | None]:
    """User name → value of the variable, for the Hub below that prefix."""
    return {
        name_form_user(n, form): form.value
        for n, form in HUB_VARIABLE_FORMS.items()
        if form.prefix == prefix
    }
