"""The layers `hub-forms` and `hub-forms-prefix`: what each form of the variable does on a Hub.

Every form is in the configuration of a real Hub, and has a user of its own, whose server is spawned
with it. What the frame loads is judged as in the layer `forms`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.smoke.hub.forms import FORMS, STARTS_DEFAULT, HubForm, user_of
from builder.smoke.hub.member import Member
from builder.smoke.jupyter import visit as visits
from builder.smoke.jupyter.board import STARTS, infos, launch, stop
from builder.smoke.jupyter.frame import one_frame
from builder.smoke.jupyter.notebook import Run
from builder.smoke.jupyter.web import BarredOriginError
from builder.smoke.model import ProbeFailure
from builder.smoke.probes.forms import effect
from builder.smoke.probes.ports import free_port

if TYPE_CHECKING:
    from builder.smoke.hub.site import Hub
    from builder.smoke.jupyter.messages import Execution
    from builder.smoke.jupyter.visit import Visit
    from builder.smoke.results.recorder import Recorder


def walk(hub: Hub, release: str, record: Recorder) -> None:
    """All forms of the Hub's prefix; the layer is the name of its configuration."""
    forms = {n: form for n, form in FORMS.items() if form.prefix == hub.configuration.prefix}
    with record.layer(hub.configuration.name):
        # One after the other: the Hub, a Jupyter and TensorBoard look whether a port is free, and
        # then it is taken. Of two that do so at once, on the loopback that these users share, one
        # may end with "Address already in use".
        for name, form in forms.items():
            with record.probe(name) as told:
                told(_try(hub, user_of(name, form), form, release))


def _try(hub: Hub, user: str, form: HubForm, release: str) -> str:
    member = Member.log_in(hub.root, user)
    try:
        member.start(form.server)
        site = hub.site(member, release, form.server)
        with visits.opened(site, Run.fresh(release)) as visit:
            visit.prepare()
            return _show(visit, form)
    finally:
        member.close()


def _show(visit: Visit, form: HubForm) -> str:
    if not form.arguments:
        done = visit.kernel.run(visit.run.show, timeout=STARTS)
        one_frame(done, visit.page)
        return _judge(visit, done, infos(visit.kernel)[0].port, form)
    known = {"{base_url}": visit.site.deployment.base_url, "{free}": str(free_port(visit))}
    arguments = form.arguments
    for name, value in known.items():
        arguments = arguments.replace(name, value)
    done, info = launch(visit, f"{visit.run.show.removeprefix('%tensorboard ')} {arguments}")
    try:
        return _judge(visit, done, info.port, form)
    finally:
        stop(visit, info)


def _judge(visit: Visit, done: Execution, port: int, form: HubForm) -> str:
    frame = one_frame(done, visit.page)
    seen = _effect(visit, frame.address, port)
    if seen != form.effect:
        raise ProbeFailure(f"the frame loads {frame.address}: {seen}, not {form.effect}")
    return f"{frame.address.removeprefix(visit.site.origin)}: {seen}"


def _effect(visit: Visit, address: str, port: int) -> str:
    """As `builder.smoke.probes.forms.effect`, and what only a Hub shows."""
    try:
        answer = visit.web.ask(address, follow=True)
    except BarredOriginError:
        return effect(visit, address, port)
    policy = answer.headers.get("Content-Security-Policy", "")
    if "/hub/spawn" in answer.url and "frame-ancestors 'none'" in policy:
        return STARTS_DEFAULT
    return effect(visit, address, port)
