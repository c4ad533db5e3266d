"""Run one Hub configuration: start the Hub, run its layers of probes, write its report."""

from __future__ import annotations

import re
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from builder.errors import EngineError
from builder.smoke.hub import site
from builder.smoke.hub.configurations import TEST_USER
from builder.smoke.hub.hub_user import HubUser
from builder.smoke.jupyter import existing_jupyter
from builder.smoke.probes import hub_forms, hub_isolation, hub_load, hub_stopped
from builder.smoke.run import report_deployment, run_layers
from builder.system.redact import REDACTED

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from builder.smoke.hub.configurations import HubConfiguration
    from builder.smoke.hub.site import Hub, HubResources
    from builder.smoke.model import JupyterSite
    from builder.smoke.results.recorder import ProbeRecorder
    from builder.smoke.results.result import DeploymentResult
    from builder.smoke.run import SmokeContext

# Parameters in logged URLs that are secret: tokens, OAuth's code and state, the XSRF token.
_SECRET = re.compile(r"(?i)\b(token|code|state|_xsrf)=[^&\s\"']+")


def run_hub_configuration(
    smoke: SmokeContext, configuration: HubConfiguration, resources: HubResources, users: int
) -> DeploymentResult:
    """Start a Hub, run its probes, stop it, and write its report.

    Args:
        smoke: what all deployments of the run share.
        configuration: the Hub's configuration.
        resources: what the Hub runs on.
        users: number of users in the load test.

    Raises:
        InterruptedRunError: the run was interrupted.
        OutputError: the report cannot be written.
    """

    def run_probes(recorder: ProbeRecorder, workdir: Path) -> None:
        with site.start_hub(resources, configuration) as hub:
            try:
                run_hub_layers(smoke, hub, users, recorder, workdir)
            finally:
                _write_hub_logs(hub, workdir)

    return report_deployment(smoke, configuration.name, resources.wheel, run_probes)


def run_hub_layers(
    smoke: SmokeContext, hub: Hub, users: int, recorder: ProbeRecorder, workdir: Path
) -> None:
    """Run the layers of probes on a running Hub.

    Args:
        smoke: what all deployments of the run share.
        hub: the running Hub.
        users: number of users in the load test.
        recorder: gets the results.
        workdir: the directory of the report.
    """
    wanted = hub.configuration.layers
    if hub.configuration.to_deployment(TEST_USER).layers:
        _run_user_layers(smoke, hub, recorder, workdir)
    if "isolation" in wanted:
        hub_isolation.run_isolation_probes(hub, recorder)
    if "stopped" in wanted:
        hub_stopped.run_stopped_probes(hub, recorder)
    if "load" in wanted:
        hub_load.run_load_probes(hub, users, recorder)
    if hub.configuration.name in wanted:
        hub_forms.run_hub_form_probes(hub, recorder)


def _run_user_layers(smoke: SmokeContext, hub: Hub, recorder: ProbeRecorder, workdir: Path) -> None:
    """Run the layers of the other smoke tests on the server of one user.

    Without a server, all probes of these layers are recorded as failed.
    """
    layers = hub.configuration.to_deployment(TEST_USER).layers
    with recorder.layer("hub", *layers), ExitStack() as stack:
        with recorder.probe("hub-log-in", vital=True):
            hub_user = stack.enter_context(closing(HubUser.log_in(hub.root, TEST_USER)))
        with recorder.probe("hub-spawn", vital=True) as set_detail:
            set_detail(f"{hub_user.start_server():.1f} s")
        user_site = hub.find_site(hub_user)
        if hub.configuration.existing:
            user_site = stack.enter_context(_open_as_existing(user_site))
        run_layers(smoke, user_site, recorder, workdir)
        hub_user.stop_server()


def _open_as_existing(site: JupyterSite) -> AbstractContextManager[JupyterSite]:
    """Open the same server as `smoke --url` does: by its address and a token."""
    existing = existing_jupyter.ExistingJupyter(site.url, site.token)
    deployment, wheel = existing_jupyter.detect_deployment(existing, site.deployment.frontend)
    wanted = replace(deployment, layers=site.deployment.layers)
    return existing_jupyter.open_existing_site(existing, wanted, wheel)


def _write_hub_logs(hub: Hub, workdir: Path) -> None:
    """Write the logs of the Hub and of its users' containers, without secrets.

    The Hub's log includes the logs of containers that it has removed.
    """
    containers = {"hub": hub.container}
    with suppress(EngineError):
        containers |= {c.name.removeprefix(f"{hub.label}-"): c for c in hub.list_containers()}
    for name, container in containers.items():
        with suppress(EngineError):
            log = _SECRET.sub(rf"\1={REDACTED}", container.read_log())
            (workdir / f"{name}.log").write_text(log, encoding="utf-8")
