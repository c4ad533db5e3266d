"""Render docs/smoke-hub.md from the result files of runs on the Hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.errors import RequestError
from builder.reports.rendering import escape_cell, render_template
from builder.smoke.hub.configurations import HUB_CONFIGURATIONS, TOKEN_CACHE_SECONDS
from builder.smoke.hub.variable_forms import HUB_VARIABLE_FORMS
from builder.smoke.model import ProbeOutcome
from builder.smoke.probes.failure_modes import list_catching_probes
from builder.smoke.probes.table import PROBE_TABLE
from builder.smoke.results.result import DeploymentResult
from builder.wheel.names import make_version_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from builder.smoke.model import ProbeResult

_RERUN_COMMAND = "nox -s smoke_hub --"
_HUB_FAILURE_MODES = (5, 6, 10, 14, 18, 19, 24, 25)
_FORM_DEPLOYMENTS = ("hub-forms", "hub-forms-prefix")
_SHOWN_LAYERS = {
    "isolation": ("hub-containers", ("strangers", "isolation", "stopped")),
    "shared": ("hub", ("shared-loopback", "stopped")),
    "load": ("hub-load", ("load",)),
}

# Release → configuration → its result.
_ResultsByRelease = dict[str, dict[str, DeploymentResult]]


def render_hub_page(results: Iterable[DeploymentResult]) -> str:
    """Render the page as Markdown.

    Args:
        results: results of smoke tests; those of other deployments may be among them.

    Raises:
        RequestError: there is no run of the Hub, or one that is not whole: a configuration or a
            probe is missing, or they are of several wheels or engines.
    """
    runs = _group_by_release(results)
    if not runs:
        raise RequestError("no results of the Hub are there", f"{_RERUN_COMMAND} 2.2.1")
    for release, run in runs.items():
        if why := _find_run_defect(run):
            raise RequestError(
                f"the results of {release} {why}", f"run all of it: {_RERUN_COMMAND} {release}"
            )
    shown = {
        key: _make_probe_rows(runs, deployment, layers)
        for key, (deployment, layers) in _SHOWN_LAYERS.items()
    }
    return render_template(
        "hub.md.j2",
        releases=list(runs),
        wheels=[_describe_wheel(release, run) for release, run in runs.items()],
        cache_seconds=TOKEN_CACHE_SECONDS,
        forms=_make_form_rows(runs),
        isolation={_SHOWN_LAYERS[key][0]: shown[key] for key in ("isolation", "shared")},
        load=shown["load"],
        modes=[
            (mode, ", ".join(f"`{name}`" for name in list_catching_probes(mode)))
            for mode in _HUB_FAILURE_MODES
        ],
    )


def _group_by_release(results: Iterable[DeploymentResult]) -> _ResultsByRelease:
    """Group the Hub's results by release, oldest first.

    The negative controls are of another wheel, and are left out.
    """
    known = {configuration.name for configuration in HUB_CONFIGURATIONS}
    runs: _ResultsByRelease = {}
    for result in results:
        if result.deployment in known:
            runs.setdefault(result.release, {})[result.deployment] = result
    return {release: runs[release] for release in sorted(runs, key=make_version_key)}


def _find_run_defect(run: Mapping[str, DeploymentResult]) -> str:
    """Say why these results are not those of one run by today's probes, or return ""."""
    if lacking := [c.name for c in HUB_CONFIGURATIONS if c.name not in run]:
        return f"lack {', '.join(lacking)}"
    if len({(result.sha256, result.engine) for result in run.values()}) > 1:
        return "are of several wheels or engines"
    due = {name: (name,) for name in _FORM_DEPLOYMENTS} | dict(_SHOWN_LAYERS.values())
    for deployment, layers in due.items():
        made = {probe.name for probe in run[deployment].probes}
        for name, row in PROBE_TABLE.items():
            if row.layer in layers and name not in made:
                return f"are older than the probe {name}"
    return ""


def _describe_wheel(release: str, run: Mapping[str, DeploymentResult]) -> str:
    one = next(iter(run.values()))
    days = " and ".join(sorted({result.date for result in run.values()}))
    return f"{release}: wheel with the sha256 {one.sha256[:12]}…, {one.engine}, {days}"


def _make_form_rows(runs: _ResultsByRelease) -> list[tuple[str, ...]]:
    probes = [
        {p.name: p for name in _FORM_DEPLOYMENTS for p in run[name].probes} for run in runs.values()
    ]
    rows = []
    for name, form in HUB_VARIABLE_FORMS.items():
        value = "unset" if form.value is None else f"`{form.value}`" if form.value else "empty"
        value += f" with `{form.arguments}`" if form.arguments else ""
        effects = (_describe_effect(of_run[name]) for of_run in probes)
        rows.append((value, form.where, f"`{form.prefix}`", *effects))
    return rows


def _describe_effect(probe: ProbeResult) -> str:
    """Return what was seen, without the address: `/user/x/proxy/6006/: works` → works."""
    if probe.outcome is ProbeOutcome.PASSED:
        return probe.detail.partition(": ")[2]
    return f"**{probe.outcome}**: {escape_cell(probe.detail)}"


def _make_probe_rows(
    runs: _ResultsByRelease, deployment: str, layers: Sequence[str]
) -> list[tuple[str, ...]]:
    probes = [{p.name: p for p in run[deployment].probes} for run in runs.values()]
    return [
        (row.sentence, *(_describe_probe(of_run[name]) for of_run in probes))
        for name, row in PROBE_TABLE.items()
        if row.layer in layers
    ]


def _describe_probe(probe: ProbeResult) -> str:
    return f"{probe.outcome}: {escape_cell(probe.detail)}".rstrip(": ")
