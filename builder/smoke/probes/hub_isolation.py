"""Check that no user reads another's TensorBoard: Alice has one, Bob and strangers try to.

This module prepares the users and runs the layers. The layer `isolation`, of containers, is here;
`strangers` is in `hub_strangers`, `shared-loopback` in `hub_shared_loopback`.

Every attempt by another client has its positive control: Alice reads it the same way. Attempts
that must fail even for her are made too. They are reported separately, as they say nothing
about the isolation of users.
"""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from builder.smoke.hub.access_attempts import (
    AccessComparison,
    UserTensorBoard,
    expect_refused,
    expect_unreadable,
    try_direct_access,
)
from builder.smoke.hub.hub_user import HubUser
from builder.smoke.jupyter import notebook_session
from builder.smoke.jupyter.frame import expect_one_frame
from builder.smoke.jupyter.notebook import LOGDIR, NotebookRun
from builder.smoke.jupyter.tensorboard_client import (
    TENSORBOARD_START_TIMEOUT,
    TensorBoardClient,
    launch_tensorboard,
    read_info_files,
    stop_tensorboard,
)
from builder.smoke.model import LayerAbort, ProbeFailure
from builder.smoke.probes.hub_shared_loopback import run_shared_loopback_probes
from builder.smoke.probes.hub_strangers import run_stranger_probes
from builder.smoke.probes.isolation_users import IsolationUsers
from builder.smoke.probes.ports import find_port_from_kernel
from builder.tensorboard.endpoints import PLUGIN_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builder.smoke.hub.site import Hub
    from builder.smoke.jupyter.notebook_session import NotebookSession
    from builder.smoke.results.recorder import ProbeRecorder

_READ_TIMEOUT = 30.0  # seconds until TensorBoard must have read its logdir
_TAGS = f"{PLUGIN_PREFIX}scalars/tags"


def run_isolation_probes(hub: Hub, recorder: ProbeRecorder) -> None:
    """Run the layer `strangers`, and `isolation` or `shared-loopback`.

    Which of the two it is depends on the spawner: with or without a container for each user.
    """
    layer_name = "isolation" if hub.configuration.contained else "shared-loopback"
    prepared: list[IsolationUsers] = []
    with ExitStack() as stack:
        with recorder.layer("strangers"):
            with recorder.probe("owner-shows", vital=True) as set_detail:
                prepared.append(_prepare_users(hub, recorder, stack))
                set_detail(f"port {prepared[0].target.port}, tag {prepared[0].target.canary}")
            run_stranger_probes(prepared[0], recorder)
        with recorder.layer(layer_name):
            if not prepared:
                raise LayerAbort("owner-shows")
            if hub.configuration.contained:
                _run_container_probes(prepared[0], recorder)
            else:
                run_shared_loopback_probes(prepared[0], recorder)


def _prepare_users(hub: Hub, recorder: ProbeRecorder, stack: ExitStack) -> IsolationUsers:
    alice = stack.enter_context(closing(HubUser.log_in(hub.root, "alice")))
    bob = stack.enter_context(closing(HubUser.log_in(hub.root, "bob")))
    for hub_user in (alice, bob):
        recorder.hide_secret(hub_user.token)
        hub_user.start_server()
    session = stack.enter_context(
        notebook_session.open_notebook_session(
            hub.find_site(alice), NotebookRun.with_new_canary(hub.resources.wheel)
        )
    )
    return IsolationUsers(hub, alice, bob, session, _show_tensorboard(session))


def _show_tensorboard(session: NotebookSession) -> UserTensorBoard:
    session.run_setup_cells()
    frame = expect_one_frame(
        session.kernel.run_cell(session.run.show_cell, timeout=TENSORBOARD_START_TIMEOUT),
        session.page_url,
    )
    tensorboard, canary = TensorBoardClient(session.client, frame.address), session.run.shown_tag
    tensorboard.wait_for_json(
        "the canary tag is", _TAGS, lambda tags: canary in str(tags), _READ_TIMEOUT
    )
    return UserTensorBoard(
        session.site.deployment.base_url, read_info_files(session.kernel)[0].port, canary
    )


def _run_container_probes(users: IsolationUsers, recorder: ProbeRecorder) -> None:
    """Check that, with a container for each user, nobody can bypass the Hub either."""
    port = users.target.port
    host = users.hub.find_container(users.alice.name).name
    with (
        recorder.probe("other-proxy-refused") as set_detail,
        _launch_below_absolute(users) as prefixed,
    ):
        set_detail(expect_refused(_compare_own_proxies(users, prefixed)))
    with recorder.probe("other-by-host-refused") as set_detail:
        # jupyter-server-proxy connects to the loopback only (`host_allowlist`).
        set_detail(
            expect_unreadable(
                (
                    name,
                    users.try_with_client(
                        hub_user.connect_by_session(),
                        f"{hub_user.server_url()}proxy/{host}:{port}/",
                    ),
                )
                for name, hub_user in (("she", users.alice), ("he", users.bob))
            )
        )
    with recorder.probe("other-direct-refused") as set_detail:
        set_detail(_check_direct_access(users, host))


@contextmanager
def _launch_below_absolute(users: IsolationUsers) -> Iterator[int]:
    """Start another TensorBoard of Alice's, with the path prefix of `proxy/absolute/`.

    Yields:
        Its port.
    """
    session = users.session
    port = find_port_from_kernel(session)
    prefix = f"{users.target.base}proxy/absolute/{port}"
    _, info = launch_tensorboard(session, f"--logdir {LOGDIR} --port {port} --path_prefix {prefix}")
    try:
        tensorboard = TensorBoardClient(session.client, f"{session.site.origin}{prefix}/")
        canary = users.target.canary
        tensorboard.wait_for_json(
            "the canary tag is", _TAGS, lambda tags: canary in str(tags), _READ_TIMEOUT
        )
        yield port
    finally:
        stop_tensorboard(session, info)


def _compare_own_proxies(users: IsolationUsers, prefixed: int) -> Iterator[AccessComparison]:
    """Compare what Alice's server returns to Alice with what Bob's returns to Bob."""
    port = users.target.port
    paths = [
        ("own proxy", f"proxy/{port}/"),
        ("localhost", f"proxy/localhost:{port}/"),
        ("absolute", f"proxy/absolute/{prefixed}/"),
    ]
    for name, path in paths:
        for token in (False, True):
            yield users.compare_access(name, _make_url_builder(path), token=token)
    yield users.compare_access("user-redirect", lambda _: users.redirect_url)


def _make_url_builder(path: str) -> Callable[[HubUser], str]:
    return lambda hub_user: f"{hub_user.server_url()}{path}"


def _check_direct_access(users: IsolationUsers, host: str) -> str:
    from_bob = try_direct_access(users.hub.find_container(users.bob.name), host, users.target)
    from_alice = try_direct_access(users.hub.find_container(users.alice.name), host, users.target)
    from_neighbour = try_direct_access(users.hub.neighbour, host, users.target)
    if not (
        from_alice.loopback and from_alice.is_readable and from_bob.server and from_neighbour.server
    ):
        raise ProbeFailure(
            f"the control failed: from her container {from_alice}, from his {from_bob}"
        )
    for who, seen in (("his container", from_bob), ("a container beside them", from_neighbour)):
        if seen.tensorboard or seen.loopback or seen.is_readable:
            raise ProbeFailure(f"{who} reaches it: {seen}")
    statuses = ", ".join(map(str, from_bob.statuses))
    return f"her port {users.target.port} refused; her server's answers {statuses}"
