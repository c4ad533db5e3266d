"""Check that no user reads another's TensorBoard: Alice has one, Bob and strangers try to.

Every attempt by another client has its positive control: Alice reads it the same way. Attempts
that must fail even for her are made too. They are reported separately, as they say nothing
about the isolation of users.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, closing, contextmanager
from textwrap import dedent
from typing import TYPE_CHECKING

import msgspec

from builder.smoke.hub.access_attempts import (
    AccessComparison,
    AttemptResult,
    UserTensorBoard,
    expect_readable,
    expect_refused,
    expect_unreadable,
    try_access,
    try_direct_access,
)
from builder.smoke.hub.configurations import TOKEN_CACHE_SECONDS
from builder.smoke.hub.hub_user import HubUser
from builder.smoke.jupyter import notebook_session
from builder.smoke.jupyter.frame import expect_one_frame
from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.jupyter.notebook import LOGDIR, NotebookRun
from builder.smoke.jupyter.tensorboard_client import (
    TENSORBOARD_START_TIMEOUT,
    TensorBoardClient,
    has_reuse_check,
    launch_tensorboard,
    read_info_files,
    stop_tensorboard,
)
from builder.smoke.model import LayerAbort, ProbeFailure
from builder.smoke.probes.ports import find_port_from_kernel
from builder.system.redact import Secret
from builder.system.waiting import wait_for
from builder.tensorboard.endpoints import PLUGIN_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from builder.smoke.hub.site import Hub
    from builder.smoke.jupyter.notebook_session import NotebookSession
    from builder.smoke.model import ServerAccess
    from builder.smoke.results.recorder import ProbeRecorder

_READ_TIMEOUT = 30.0  # seconds until TensorBoard must have read its logdir
# Seconds: the lifetime of the token that is to expire, and how much later it must be refused.
_TOKEN_LIFETIME, _EXPIRY_GRACE = 6, 20.0
_TAGS = f"{PLUGIN_PREFIX}scalars/tags"

# Runs in Alice's kernel: the fields by which an info file identifies a TensorBoard with these
# arguments. Anyone can compute them, and can choose the other fields.
_FACTS = dedent("""\
    import json, os
    from tensorboard import manager, version

    _key = manager.cache_key(os.getcwd(), ARGUMENTS, {})
    print(json.dumps({"version": version.VERSION, "cache_key": _key}))""")
_KNOWN = dedent("""\
    import json
    from tensorboard import manager

    print(json.dumps([_info.port for _info in manager.get_all()]))""")
_TEMPORARY = 'tempfile.tempdir = os.environ["TMPDIR"] = PLACE'
# Runs next to Jupyter: starts a server that outlives this program, and writes an info file that
# says that the server is that TensorBoard.
_PLANT = dedent("""\
    import http.server, json, os, sys, time

    server = http.server.HTTPServer(("localhost", 0), http.server.SimpleHTTPRequestHandler)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        for stream in range(3):
            os.close(stream)
        server.serve_forever()
    facts = json.loads(sys.argv[2])
    facts.update(start_time=int(time.time()), port=server.server_port, pid=pid)
    facts.update(path_prefix="", logdir="logs", db="")
    place = os.path.join(sys.argv[1], ".tensorboard-info")
    if not os.path.isdir(place):
        os.mkdir(place)
        os.chmod(place, 0o777)  # as TensorBoard does
    with open(os.path.join(place, "pid-%d.info" % pid), "w") as file:
        json.dump(facts, file)
    print(json.dumps([pid, server.server_port]))""")
_STRANGER = 4242  # a uid that no user has


class _IsolationUsers(msgspec.Struct, frozen=True):
    """Alice, who has a TensorBoard, and Bob, who has none."""

    hub: Hub
    alice: HubUser
    bob: HubUser
    session: NotebookSession
    target: UserTensorBoard

    def build_proxy_url(self, hub_user: HubUser) -> str:
        return f"{hub_user.server_url()}proxy/{self.target.port}/"

    @property
    def redirect_url(self) -> str:
        return f"{self.hub.root}hub/user-redirect/proxy/{self.target.port}/"

    def try_with_client(
        self, client: JupyterClient, address: str, query: str = ""
    ) -> AttemptResult:
        """Make one attempt, and close the client afterwards."""
        with closing(client):
            return try_access(client, address, self.target, query)

    def compare_access(
        self, name: str, address: Callable[[HubUser], str], *, token: bool = False
    ) -> AccessComparison:
        """Make the same attempt as Alice and as Bob, with a session or with a token.

        Args:
            name: of the attempt, in the report.
            address: gives the address that a user requests.
            token: whether they send their API token instead of their session's cookies.
        """
        seen = [
            self.try_with_client(
                hub_user.connect_by_token() if token else hub_user.connect_by_session(),
                address(hub_user),
            )
            for hub_user in (self.alice, self.bob)
        ]
        return AccessComparison(f"{name} by {'token' if token else 'session'}", *seen)


def run_isolation_probes(hub: Hub, recorder: ProbeRecorder) -> None:
    """Run the layer `strangers`, and `isolation` or `shared-loopback`.

    Which of the two it is depends on the spawner: with or without a container for each user.
    """
    layer_name = "isolation" if hub.configuration.contained else "shared-loopback"
    prepared: list[_IsolationUsers] = []
    with ExitStack() as stack:
        with recorder.layer("strangers"):
            with recorder.probe("owner-shows", vital=True) as set_detail:
                prepared.append(_prepare_users(hub, recorder, stack))
                set_detail(f"port {prepared[0].target.port}, tag {prepared[0].target.canary}")
            _run_stranger_probes(prepared[0], recorder)
        with recorder.layer(layer_name):
            if not prepared:
                raise LayerAbort("owner-shows")
            if hub.configuration.contained:
                _run_container_probes(prepared[0], recorder)
            else:
                _run_shared_loopback_probes(prepared[0], recorder)


def _prepare_users(hub: Hub, recorder: ProbeRecorder, stack: ExitStack) -> _IsolationUsers:
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
    return _IsolationUsers(hub, alice, bob, session, _show_tensorboard(session))


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


def _run_stranger_probes(users: _IsolationUsers, recorder: ProbeRecorder) -> None:
    """Check the Hub's logins and tokens, which keep strangers out with any spawner."""
    alice, bob = users.alice, users.bob
    page = users.build_proxy_url(alice)
    with recorder.probe("owner-reads", vital=True) as set_detail:
        session = users.try_with_client(alice.connect_by_session(), page)
        redirected = users.try_with_client(alice.connect_by_session(), users.redirect_url)
        token = users.try_with_client(alice.connect_by_token(), page)
        attempts = [
            ("her session", session),
            ("her session by user-redirect", redirected),
            ("her token", token),
        ]
        expect_readable(attempts)
        set_detail("; ".join(f"{what} {seen.answers}" for what, seen in attempts))
    with recorder.probe("other-session-refused") as set_detail:
        set_detail(
            expect_refused(
                [
                    AccessComparison(
                        "his session",
                        session,
                        users.try_with_client(bob.connect_by_session(), page),
                    )
                ]
            )
        )
    with recorder.probe("other-token-refused") as set_detail:
        wrong = JupyterClient(alice.server_url(), Secret("0" * 32))
        clients = [("his token", bob.connect_by_token()), ("a wrong token", wrong)]
        set_detail(
            expect_refused(
                AccessComparison(name, token, users.try_with_client(client, page))
                for name, client in clients
            )
        )
    with recorder.probe("nobody-refused") as set_detail:
        directly = AccessComparison(
            "directly", session, users.try_with_client(_open_anonymous_client(users), page)
        )
        other = AccessComparison(
            "by user-redirect",
            redirected,
            users.try_with_client(_open_anonymous_client(users), users.redirect_url),
        )
        set_detail(expect_refused([directly, other]))
    with recorder.probe("ways-of-nobody") as set_detail:
        set_detail(_check_unusable_ways(users, page))
    with recorder.probe("expired-token-refused") as set_detail:
        set_detail(_check_expired_token(users, page, recorder))
    with recorder.probe("logged-out-refused") as set_detail:
        set_detail(_check_logged_out(users, page))
    with recorder.probe("login-not-framed") as set_detail:
        set_detail(_check_login_page(users, page))


def _open_anonymous_client(users: _IsolationUsers) -> JupyterClient:
    return JupyterClient(users.hub.root)


def _check_unusable_ways(users: _IsolationUsers, page: str) -> str:
    """Check that no token is accepted in an address, and none at all by the Hub's pages.

    The rules are `allow_token_in_url` in jupyterhub/services/auth.py, and `_accept_token_auth` in
    jupyterhub/handlers/base.py.
    """
    alice, bob = users.alice, users.bob
    return expect_unreadable(
        [
            (
                "her token in the address",
                users.try_with_client(
                    _open_anonymous_client(users), page, f"?token={alice.token.value}"
                ),
            ),
            (
                "his token in the address",
                users.try_with_client(
                    _open_anonymous_client(users), page, f"?token={bob.token.value}"
                ),
            ),
            (
                "her token by user-redirect",
                users.try_with_client(alice.connect_by_token(), users.redirect_url),
            ),
            (
                "his token by user-redirect",
                users.try_with_client(bob.connect_by_token(), users.redirect_url),
            ),
        ]
    )


def _check_expired_token(users: _IsolationUsers, page: str, recorder: ProbeRecorder) -> str:
    """Check that an expired token is refused; the control is that it was accepted before.

    Her server has asked the Hub about the token by then, and caches the Hub's response for
    `TOKEN_CACHE_SECONDS`.
    """
    hub_user = users.alice
    token = hub_user.create_token(_TOKEN_LIFETIME)
    recorder.hide_secret(token)
    api = f"{users.hub.root}hub/api/user"

    def is_expired() -> bool | None:
        with closing(JupyterClient(api, token)) as client:
            return client.send_request(api).status == 403 or None

    def try_refused() -> AttemptResult | None:
        seen = users.try_with_client(JupyterClient(hub_user.server_url(), token), page)
        return None if seen.is_readable else seen

    before = users.try_with_client(JupyterClient(hub_user.server_url(), token), page)
    expect_readable([("her token before it expires", before)])
    if wait_for(is_expired, _TOKEN_LIFETIME + _EXPIRY_GRACE) is None:
        raise ProbeFailure(
            f"the token of {_TOKEN_LIFETIME} s lets her in at the Hub after "
            f"{_EXPIRY_GRACE:.0f} more"
        )
    after = wait_for(try_refused, TOKEN_CACHE_SECONDS + _EXPIRY_GRACE)
    if after is None:
        raise ProbeFailure(
            f"her server takes the token {TOKEN_CACHE_SECONDS + _EXPIRY_GRACE:.0f} s after the Hub"
        )
    return expect_refused(
        [
            AccessComparison(
                f"her expired token, once {TOKEN_CACHE_SECONDS} s are over", before, after
            )
        ]
    )


def _check_logged_out(users: _IsolationUsers, page: str) -> str:
    """Check that a browser is refused after a logout; the control is that it was not before."""
    with (
        closing(HubUser.log_in(users.hub.root, users.alice.name)) as again,
        closing(again.connect_by_session()) as browser,
    ):
        before = try_access(browser, page, users.target)
        browser.send_request(f"{users.hub.root}hub/logout").expect_status(302)
        after = try_access(browser, page, users.target)
        return expect_refused([AccessComparison("her browser after a logout", before, after)])


def _check_login_page(users: _IsolationUsers, page: str) -> str:
    """Check that the Hub's login form may not be framed.

    A frame would load it when the login has expired.
    """
    with closing(_open_anonymous_client(users)) as client:
        response = client.send_request(page, follow=True).expect_status(200)
    policy = response.headers.get("Content-Security-Policy", "")
    if "/hub/login" not in response.url or "frame-ancestors 'none'" not in policy:
        raise ProbeFailure(f"{response.url} comes with the policy {policy!r}")
    return "the frame stays blank: frame-ancestors 'none'"


def _run_container_probes(users: _IsolationUsers, recorder: ProbeRecorder) -> None:
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
def _launch_below_absolute(users: _IsolationUsers) -> Iterator[int]:
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


def _compare_own_proxies(users: _IsolationUsers, prefixed: int) -> Iterator[AccessComparison]:
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


def _check_direct_access(users: _IsolationUsers, host: str) -> str:
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


def _run_shared_loopback_probes(users: _IsolationUsers, recorder: ProbeRecorder) -> None:
    """Check that Bob does read it where all users share one loopback.

    That is how this spawner works, and the report says so.
    """
    with recorder.probe("shared-loopback-read") as set_detail:
        seen = users.try_with_client(users.bob.connect_by_token(), users.build_proxy_url(users.bob))
        expect_readable([("Bob's own proxy", seen)])
        set_detail(f"Bob reads it at {users.bob.server_url()}: local processes share one loopback")
    if not has_reuse_check(users.session.kernel):
        recorder.skip_probe("planted-info-ignored", "this wheel is without the series `security`")
        return
    with recorder.probe("planted-info-ignored") as set_detail:
        set_detail(_check_planted_info(users))


def _check_planted_info(users: _IsolationUsers) -> str:
    """Check that an info file is not believed if another user of the machine planted it.

    It says that a server of theirs is Alice's TensorBoard. The positive control is a file of the
    same form by her own user, which is believed. With this spawner Bob runs as that user too:
    these two cannot be separated.
    """
    session, access = users.session, users.session.site.access
    assert access is not None  # noqa: S101 - ours has one
    arguments = f"--logdir {LOGDIR} --window_title planted"
    directory = f"/tmp/{session.run.directory}"  # noqa: S108 - for everybody, as /tmp is
    access.run_command(["mkdir", "--mode=1777", directory], root=True)
    session.kernel.run_cell(_TEMPORARY.replace("PLACE", repr(directory)))
    try:
        facts = session.kernel.evaluate_json(_FACTS.replace("ARGUMENTS", repr(arguments.split())))
        with _plant_info_file(access, directory, facts, None) as port:
            if port not in session.kernel.evaluate_json(_KNOWN):
                raise ProbeFailure(f"the control failed: her own user's port {port} is not known")
        with _plant_info_file(access, directory, facts, _STRANGER) as port:
            execution, info = launch_tensorboard(session, arguments)
            try:
                shown = expect_one_frame(execution, session.page_url).address
                known = session.kernel.evaluate_json(_KNOWN)
            finally:
                stop_tensorboard(session, info)
        if port in known or info.port == port or f"/{port}/" in shown:
            raise ProbeFailure(f"a stranger's port {port} is believed: {known}, {info}, {shown}")
        return f"the uid {_STRANGER}'s port {port} is not known to her; hers is {info.port}"
    finally:
        session.kernel.run_cell(_TEMPORARY.replace("PLACE", 'os.path.abspath("tmp")'))
        access.run_command(["rm", "-r", directory], root=True)


@contextmanager
def _plant_info_file(
    access: ServerAccess, place: str, facts: Mapping[str, str], uid: int | None
) -> Iterator[int]:
    """Start a server next to Jupyter, and write the info file that names it.

    Args:
        access: to Jupyter's machine or container.
        place: the temporary directory that holds `.tensorboard-info`.
        facts: the fields of the info file that identify the TensorBoard.
        uid: of the user who does it, or None for Jupyter's own.

    Yields:
        The server's port.
    """
    words = ["python3", "-c", _PLANT, place, json.dumps(facts)]
    if uid is not None:
        words = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *words]
    code, out = access.run_command(words, root=uid is not None)
    if code:
        raise ProbeFailure(f"no info file can be planted: {out}")
    pid, port = json.loads(out.splitlines()[-1])
    try:
        yield port
    finally:
        access.run_command(["kill", str(pid)], root=True)
        access.run_command(["rm", f"{place}/.tensorboard-info/pid-{pid}.info"], root=True)
