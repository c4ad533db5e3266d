"""Render docs/smoke-hub.md from the result files of runs on the Hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from builder.errors import RequestError
from builder.smoke.hub.configurations import HUB_CONFIGURATIONS, TOKEN_CACHE_SECONDS
from builder.smoke.hub.variable_forms import HUB_VARIABLE_FORMS
from builder.smoke.probes.table import PROBE_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_RERUN_COMMAND = "nox -s smoke_hub --"
_PAGE_HEAD = """\
# TensorBoard on JupyterHub

Written by `nox -s smoke_hub -- table` from the results of `nox -s smoke_hub -- {releases}`:

{subjects}

Do not edit it.

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
_ISOLATION_SECTION = """\

## Who reads whose TensorBoard

**`SimpleLocalProcessSpawner`, as every spawner of local processes, lets each user read the
TensorBoards of all the others, because they share one loopback; only a container (or a network
namespace) for each user keeps them apart.**

The Hub with a container for each user, `jupyterhub_config_docker.py`, is a test configuration: it
mounts the engine's socket, and **that socket is root on the engine's host**. Do not take it over as
it is. Bob's attempts below are made with everything he has. Each has its positive control: Alice
reads hers that way, and only those answers are counted that she reads. What lets not even her in is
listed too, as what it is: it keeps nobody from anybody.

A token that has expired is refused by the Hub at once, but by a user's server only when that asks
the Hub again: what the Hub once said of a token it believes for five minutes
(`HubOAuth.cache_max_age`, 300 s). The servers here do so for {remembers} s, by
`c.Spawner.args = ["--HubOAuth.cache_max_age={remembers}"]`. That a login runs out by itself, which
takes days (`JupyterHub.cookie_max_age_days`), was not waited for.

A TensorBoard that was killed (out of memory, say) leaves its info file behind. With the series
`security` a new one starts in its place. Without it, as with upstream's, the dead one is reused
([tensorboard #2483](https://github.com/tensorflow/tensorboard/issues/2483)): the frame is a 500
until that file goes, `/tmp/.tensorboard-info/pid-PID.info` with the pid that the notice names. A
container that is stopped takes the file along; with local processes it stays.
"""
_LOAD_SECTION = """\

## Many users, and what recovers

A container for each user; all of them log in, spawn, show TensorBoard and ask for it at once.
"""
_MODES_SECTION = """\

## Failure modes of Hubs

Numbers as in [smoke.md](smoke.md).

| mode | caught by |
|---|---|
"""
_HUB_FAILURE_MODES = (5, 6, 10, 14, 18, 19, 24, 25)
_FORM_DEPLOYMENTS = ("hub-forms", "hub-forms-prefix")
_SHOWN_LAYERS = {
    "isolation": ("hub-containers", ("strangers", "isolation", "stopped")),
    "shared": ("hub", ("shared-loopback", "stopped")),
    "load": ("hub-load", ("load",)),
}

# Release → configuration → its result.
_ResultsByRelease = dict[str, dict[str, Mapping[str, Any]]]
# Release → probe → outcome and detail.
OutcomesByRelease = dict[str, dict[str, tuple[str, str]]]


def render_hub_page(results: Iterable[Mapping[str, Any]]) -> str:
    """Render the page as Markdown.

    Args:
        results: contents of `result.json` files; those of other deployments may be among them.

    Raises:
        RequestError: there is no run of the Hub, or one that is not whole: a configuration or a
            probe is missing, or they are of several wheels or engines.
    """
    runs = _group_by_release(results)
    if not runs:
        raise RequestError("no results of the Hub are there", f"{_RERUN_COMMAND} 2.2.1")
    releases = sorted(runs, key=Version)
    for release in releases:
        if why := _find_run_defect(runs[release]):
            raise RequestError(
                f"the results of {release} {why}", f"run all of it: {_RERUN_COMMAND} {release}"
            )
    subjects = "\n".join(f"- {_describe_wheel(release, runs[release])}" for release in releases)
    parts = [_PAGE_HEAD.format(releases=" ".join(releases), subjects=subjects)]
    parts.append(_render_forms_table(_collect_outcomes(runs, _FORM_DEPLOYMENTS), releases))
    parts.append(_ISOLATION_SECTION.format(remembers=TOKEN_CACHE_SECONDS))
    for name in ("isolation", "shared"):
        deployment, layers = _SHOWN_LAYERS[name]
        parts.append(f"\n`{deployment}`:\n\n")
        parts.append(_render_probes_table(_collect_outcomes(runs, (deployment,)), releases, layers))
    deployment, layers = _SHOWN_LAYERS["load"]
    parts.append(_LOAD_SECTION + "\n")
    parts.append(_render_probes_table(_collect_outcomes(runs, (deployment,)), releases, layers))
    parts.append(_MODES_SECTION)
    for mode in _HUB_FAILURE_MODES:
        names = ", ".join(f"`{name}`" for name, row in PROBE_TABLE.items() if mode in row.modes)
        parts.append(f"| {mode} | {names} |\n")
    return "".join(parts)


def _group_by_release(results: Iterable[Mapping[str, Any]]) -> _ResultsByRelease:
    """Group the Hub's results by release.

    The negative controls are of another wheel, and are left out.
    """
    known = {configuration.name for configuration in HUB_CONFIGURATIONS}
    runs: _ResultsByRelease = {}
    for result in results:
        if result.get("deployment") in known:
            runs.setdefault(str(result["release"]), {})[str(result["deployment"])] = result
    return runs


def _find_run_defect(run: Mapping[str, Mapping[str, Any]]) -> str:
    """Say why these results are not those of one run by today's probes, or return ""."""
    if lacking := [c.name for c in HUB_CONFIGURATIONS if c.name not in run]:
        return f"lack {', '.join(lacking)}"
    if len({(result["sha256"], result["engine"]) for result in run.values()}) > 1:
        return "are of several wheels or engines"
    due = {name: (name,) for name in _FORM_DEPLOYMENTS} | dict(_SHOWN_LAYERS.values())
    for deployment, layers in due.items():
        made = {probe["name"] for probe in run[deployment]["probes"]}
        for name, row in PROBE_TABLE.items():
            if row.layer in layers and name not in made:
                return f"are older than the probe {name}"
    return ""


def _describe_wheel(release: str, run: Mapping[str, Mapping[str, Any]]) -> str:
    one = next(iter(run.values()))
    days = " and ".join(sorted({str(result["date"]) for result in run.values()}))
    return f"{release}: wheel with the sha256 {str(one['sha256'])[:12]}…, {one['engine']}, {days}"


def _collect_outcomes(runs: _ResultsByRelease, deployments: Sequence[str]) -> OutcomesByRelease:
    return {
        release: {
            probe["name"]: (probe["outcome"], probe["detail"])
            for deployment in deployments
            for probe in run[deployment]["probes"]
        }
        for release, run in runs.items()
    }


def _render_forms_table(outcomes: OutcomesByRelease, releases: Sequence[str]) -> str:
    lines = [
        f"| `TENSORBOARD_PROXY_URL` | where | Hub at | {' | '.join(releases)} |",
        "|---" * (3 + len(releases)) + "|",
    ]
    for name, form in HUB_VARIABLE_FORMS.items():
        value = "unset" if form.value is None else f"`{form.value}`" if form.value else "empty"
        value += f" with `{form.arguments}`" if form.arguments else ""
        effects = [_describe_effect(*outcomes[release][name]) for release in releases]
        lines.append(f"| {value} | {form.where} | `{form.prefix}` | {' | '.join(effects)} |")
    return "\n" + "\n".join(lines) + "\n"


def _describe_effect(outcome: str, detail: str) -> str:
    """Return what was seen, without the address: `/user/x/proxy/6006/: works` → works."""
    return (
        detail.partition(": ")[2]
        if outcome == "passed"
        else f"**{outcome}**: {_escape_cell(detail)}"
    )


def _render_probes_table(
    outcomes: OutcomesByRelease, releases: Sequence[str], layers: Sequence[str]
) -> str:
    lines = [f"| what | {' | '.join(releases)} |", "|---" * (1 + len(releases)) + "|"]
    for name, row in PROBE_TABLE.items():
        if row.layer in layers:
            shown = (outcomes[release][name] for release in releases)
            cells = [f"{outcome}: {_escape_cell(detail)}".rstrip(": ") for outcome, detail in shown]
            lines.append(f"| {row.sentence} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _escape_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
