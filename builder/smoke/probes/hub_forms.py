"""The layers `hub-forms` and `hub-forms-prefix`: what each form of the variable does on a Hub.

Each form of `TENSORBOARD_PROXY_URL` is in the configuration of a real Hub, and has a user of
its own, whose server is spawned with it. What the frame loads is judged as in the layer
`forms`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.smoke.hub.hub_user import HubUser
from builder.smoke.hub.variable_forms import (
    HUB_VARIABLE_FORMS,
    STARTS_DEFAULT,
    HubVariableForm,
    name_form_user,
)
from builder.smoke.jupyter import notebook_session
from builder.smoke.jupyter.frame import expect_one_frame
from builder.smoke.jupyter.http_client import BarredOriginError
from builder.smoke.jupyter.notebook import NotebookRun
from builder.smoke.jupyter.tensorboard_client import (
    TENSORBOARD_START_TIMEOUT,
    launch_tensorboard,
    read_info_files,
    stop_tensorboard,
)
from builder.smoke.model import ProbeFailure
from builder.smoke.probes.forms import determine_effect
from builder.smoke.probes.ports import find_port_from_kernel

if TYPE_CHECKING:
    from builder.smoke.hub.site import Hub
    from builder.smoke.jupyter.messages import CellExecution
    from builder.smoke.jupyter.notebook_session import NotebookSession
    from builder.smoke.results.recorder import ProbeRecorder


def run_hub_form_probes(hub: Hub, recorder: ProbeRecorder) -> None:
    """Run the probes of all forms for the Hub's prefix.

    The layer has the name of the Hub's configuration.
    """
    forms = {
        n: form for n, form in HUB_VARIABLE_FORMS.items() if form.prefix == hub.configuration.prefix
    }
    with recorder.layer(hub.configuration.name):
        # One after the other: the Hub, Jupyter and TensorBoard check that a port is free before
        # they bind it. If two do so at once, on the loopback that these users share, one of them
        # may end with "Address already in use".
        for name, form in forms.items():
            with recorder.probe(name) as set_detail:
                set_detail(_check_hub_form(hub, name_form_user(name, form), form))


def _check_hub_form(hub: Hub, user: str, form: HubVariableForm) -> str:
    hub_user = HubUser.log_in(hub.root, user)
    try:
        hub_user.start_server(form.server)
        site = hub.find_site(hub_user, form.server)
        with notebook_session.open_notebook_session(
            site, NotebookRun.with_new_canary(hub.resources.wheel)
        ) as session:
            session.run_setup_cells()
            return _show_and_check(session, form)
    finally:
        hub_user.close()


def _show_and_check(session: NotebookSession, form: HubVariableForm) -> str:
    if not form.arguments:
        execution = session.kernel.run_cell(
            session.run.show_cell, timeout=TENSORBOARD_START_TIMEOUT
        )
        expect_one_frame(execution, session.page_url)
        return _check_frame_effect(
            session, execution, read_info_files(session.kernel)[0].port, form
        )
    known = {
        "{base_url}": session.site.deployment.base_url,
        "{free}": str(find_port_from_kernel(session)),
    }
    arguments = form.arguments
    for name, value in known.items():
        arguments = arguments.replace(name, value)
    execution, info = launch_tensorboard(
        session, f"{session.run.show_cell.removeprefix('%tensorboard ')} {arguments}"
    )
    try:
        return _check_frame_effect(session, execution, info.port, form)
    finally:
        stop_tensorboard(session, info)


def _check_frame_effect(
    session: NotebookSession, execution: CellExecution, port: int, form: HubVariableForm
) -> str:
    frame = expect_one_frame(execution, session.page_url)
    seen = _determine_hub_effect(session, frame.address, port)
    if seen != form.effect:
        raise ProbeFailure(f"the frame loads {frame.address}: {seen}, not {form.effect}")
    return f"{frame.address.removeprefix(session.site.origin)}: {seen}"


def _determine_hub_effect(session: NotebookSession, address: str, port: int) -> str:
    """Like `builder.smoke.probes.forms.determine_effect`, plus the effect only a Hub has."""
    try:
        response = session.client.send_request(address, follow=True)
    except BarredOriginError:
        return determine_effect(session, address, port)
    policy = response.headers.get("Content-Security-Policy", "")
    if "/hub/spawn" in response.url and "frame-ancestors 'none'" in policy:
        return STARTS_DEFAULT
    return determine_effect(session, address, port)
