"""The forms of the variable that are seen on Hubs, and what each of them does, as data."""

from __future__ import annotations

from typing import NamedTuple

from builder.smoke.model import Effect

ROOT, PREFIX = "/", "/jhub/"


class HubForm(NamedTuple):
    """A form of the variable on a Hub.

    Attributes:
        value: as dockerfiles/hub/jupyterhub_config_forms.py takes it; None is unset.
        where: it is seen.
        effect: what a person sees.
        prefix: of the Hub.
        user: the user's name, or "" for one made of the probe's.
        server: the server's name, or "" for the default one.
        arguments: more of them for `%tensorboard`; `{base_url}` is the server's, `{free}` a port.
    """

    value: str | None
    where: str
    effect: str
    prefix: str = ROOT
    user: str = ""
    server: str = ""
    arguments: str = ""


# `user-redirect` starts a default server that does not run, whatever the person has beside it.
STARTS_DEFAULT = "a blank frame: the Hub starts the default server, on a page not to be framed"
_CALLABLE, _REDIRECT = "{callable}", "/hub/user-redirect/proxy/%PORT%/"
_STACKS = "${JUPYTERHUB_SERVICE_PREFIX:-/}proxy/%PORT%/"
_ABSOLUTE = "{base_url}proxy/absolute/%PORT%/"
_WORKS, _LOST, _UNSET = Effect.WORKS, Effect.NOT_FOUND, Effect.AS_UNSET

FORMS: dict[str, HubForm] = {
    "hub-form-callable": HubForm(
        _CALLABLE, "our jupyterhub_config.py, for `ann@example.org`", _WORKS, user="ann@example.org"
    ),
    "hub-form-named": HubForm(_CALLABLE, "the same, a named server", _WORKS, server="second"),
    "hub-form-early": HubForm(
        "{callable without a server}", "the same before the spawner has a server", _WORKS
    ),
    "hub-form-early-named": HubForm(
        "{callable without a server}", "the same, a named server", _WORKS, server="second"
    ),
    "hub-form-stacks": HubForm(_STACKS, "docker-stacks' images", _WORKS),
    "hub-form-redirect": HubForm(_REDIRECT, "one address for all users", _WORKS),
    "hub-form-full-url": HubForm(f"{{origin}}{_REDIRECT}", "an HPC centre", _WORKS),
    "hub-form-no-slash": HubForm("{base_url}proxy/%PORT%", "the last slash forgotten", _WORKS),
    "hub-form-redirect-named": HubForm(
        _REDIRECT, "a named server: it leads to the default one", STARTS_DEFAULT, server="second"
    ),
    "hub-form-plain": HubForm("/proxy/%PORT%/", "taken over from a Jupyter without a Hub", _LOST),
    "hub-form-absolute": HubForm(_ABSOLUTE, "the original README", _LOST),
    "hub-form-absolute-prefixed": HubForm(
        _ABSOLUTE,
        "the same, and TensorBoard told of it",
        _WORKS,
        arguments="--port {free} --path_prefix {base_url}proxy/absolute/{free}",
    ),
    "hub-form-empty": HubForm("", "a callable that gives up without a server", _UNSET),
    "hub-form-unset": HubForm(None, "nobody set it", _UNSET),
    "hub-form-prefix": HubForm(
        _CALLABLE, "our callable, a Hub under a prefix", _WORKS, PREFIX, user="ann@example.org"
    ),
    "hub-form-prefix-named": HubForm(
        _CALLABLE, "the same, a named server", _WORKS, PREFIX, server="second"
    ),
    "hub-form-prefix-stacks": HubForm(_STACKS, "docker-stacks, under a prefix", _WORKS, PREFIX),
    "hub-form-prefix-redirect": HubForm(
        f"/jhub{_REDIRECT}", "one address for all, with the prefix", _WORKS, PREFIX
    ),
    "hub-form-prefix-forgotten": HubForm(
        _REDIRECT, "one address for all, the prefix forgotten", _LOST, PREFIX
    ),
}


def user_of(name: str, form: HubForm) -> str:
    """Whose form that is: every form has a user of its own."""
    return form.user or name.removeprefix("hub-form-")


def values(prefix: str) -> dict[str, str | None]:
    """User → form, for the Hub below that prefix."""
    return {user_of(n, form): form.value for n, form in FORMS.items() if form.prefix == prefix}
