"""The page docs/smoke-hub.md: what runs on the Hub have shown, told by their result files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.version import Version

from builder.errors import RequestError
from builder.smoke.hub.forms import FORMS
from builder.smoke.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_HEAD = """\
# TensorBoard on JupyterHub

Written by `nox -s smoke_hub -- table` from the results of `nox -s smoke_hub -- {releases}`
({engines}). Do not edit it.

`dockerfiles/Dockerfile.hub` is usable by hand, from a checkout with a wheel in `dist/`:

    docker build -t tb_test:jupyterhub -f dockerfiles/Dockerfile.hub .
    docker run --rm -it -p 8000:8000 tb_test:jupyterhub

Log in as `testuser`, with any password.

## Which form to take

The form to prefer is the callable of
[`jupyterhub_config.py`](../dockerfiles/hub/jupyterhub_config.py): it takes the address of the
server itself, so it is right below any prefix, for named servers and for names that need escaping.
`/hub/user-redirect/proxy/%PORT%/` is one text for all users, but leads to the default server only,
and below a prefix it needs that prefix. `proxy/absolute/%PORT%/`, which the original README has, is
a 404 with a plain `%tensorboard`: there jupyter-server-proxy passes the whole path on, which
TensorBoard knows only when it is started with `--path_prefix`.

Each form was put into the configuration of a real Hub, which spawned a server with it; the frame
below `%tensorboard` was asked for as a logged-in browser does. `{{base_url}}` is the server's
address, `{{callable}}` what our `jupyterhub_config.py` says.
"""
_ISOLATION = """\

## Who reads whose TensorBoard

**`SimpleLocalProcessSpawner`, as every spawner of local processes, lets each user read the
TensorBoards of all the others, because they share one loopback; only a container (or a network
namespace) for each user keeps them apart.**

The Hub with a container for each user, `jupyterhub_config_docker.py`, is a test configuration: it
mounts the engine's socket, and **that socket is root on the engine's host**. Do not take it over as
it is. Bob's attempts below are made with everything he has, and each has its positive control:
Alice, who reads it that way.
"""
_LOAD = """\

## Many users, and what recovers

A container for each user; all of them log in, spawn, show TensorBoard and ask for it at once.
"""
_MODES = """\

## Failure modes of Hubs

Numbers as in [smoke.md](smoke.md).

| mode | caught by |
|---|---|
"""
_OF_HUBS = (5, 6, 10, 14, 18, 19, 24, 25)
_SHOWN = {
    "isolation": ("hub-containers", ("strangers", "isolation", "stopped")),
    "shared": ("hub", ("shared-loopback", "stopped")),
    "load": ("hub-load", ("load",)),
}

# Release → probe → outcome and detail.
Seen = dict[str, dict[str, tuple[str, str]]]


def render(results: Sequence[Mapping[str, Any]]) -> str:
    """The page.

    Args:
        results: `result.json` files, those of other deployments included.

    Raises:
        RequestError: no run has all of the Hub's forms in it.
    """
    ours = [r for r in results if str(r.get("deployment", "")).startswith("hub")]
    releases = sorted({str(r["release"]) for r in ours}, key=Version)
    forms = _seen(ours, ("hub-forms", "hub-forms-prefix"))
    releases = [release for release in releases if set(FORMS) <= set(forms.get(release, {}))]
    if not releases:
        raise RequestError("no run has all forms of the Hub", "nox -s smoke_hub -- 2.2.1")
    engines = sorted({str(r["engine"]) for r in ours if r["release"] in releases})
    parts = [_HEAD.format(releases=" ".join(releases), engines="; ".join(engines))]
    parts.append(_forms(forms, releases))
    parts.append(_ISOLATION)
    for name in ("isolation", "shared"):
        deployment, layers = _SHOWN[name]
        parts.append(f"\n`{deployment}`:\n\n")
        parts.append(_probes(_seen(ours, (deployment,)), releases, layers))
    parts.append(_LOAD + "\n")
    parts.append(_probes(_seen(ours, ("hub-load",)), releases, ("load",)))
    parts.append(_MODES)
    for mode in _OF_HUBS:
        names = ", ".join(f"`{name}`" for name, row in TABLE.items() if mode in row.modes)
        parts.append(f"| {mode} | {names} |\n")
    return "".join(parts)


def _seen(results: Iterable[Mapping[str, Any]], deployments: Sequence[str]) -> Seen:
    seen: Seen = {}
    for result in results:
        if result["deployment"] in deployments:
            probes = seen.setdefault(str(result["release"]), {})
            probes |= {p["name"]: (p["outcome"], p["detail"]) for p in result["probes"]}
    return seen


def _forms(seen: Seen, releases: Sequence[str]) -> str:
    lines = [
        f"| `TENSORBOARD_PROXY_URL` | where | Hub at | {' | '.join(releases)} |",
        "|---" * (3 + len(releases)) + "|",
    ]
    for name, form in FORMS.items():
        value = "unset" if form.value is None else f"`{form.value}`" if form.value else "empty"
        value += f" with `{form.arguments}`" if form.arguments else ""
        came = [_effect(*seen[release][name]) for release in releases]
        lines.append(f"| {value} | {form.where} | `{form.prefix}` | {' | '.join(came)} |")
    return "\n" + "\n".join(lines) + "\n"


def _effect(outcome: str, detail: str) -> str:
    """What was seen, without the address: `/user/x/proxy/6006/: works` → works."""
    return detail.partition(": ")[2] if outcome == "passed" else f"**{outcome}**: {_cell(detail)}"


def _probes(seen: Seen, releases: Sequence[str], layers: Sequence[str]) -> str:
    lines = [f"| what | {' | '.join(releases)} |", "|---" * (1 + len(releases)) + "|"]
    for name, row in TABLE.items():
        if row.layer in layers:
            told = (seen.get(release, {}).get(name, ("not run", "")) for release in releases)
            cells = [f"{outcome}: {_cell(detail)}".rstrip(": ") for outcome, detail in told]
            lines.append(f"| {row.sentence} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
