"""Nobody sees another one's TensorBoard: Alice has one, Bob and strangers try to read it.

Every attempt of somebody else has its positive control: Alice reads it that way. Ways that not even
she may go are asked too, and told apart, as they say nothing of who is kept from whom.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING

from builder.smoke.hub.attempts import Seen, Target, Way, direct, look, nobodys, read, refused
from builder.smoke.hub.configurations import REMEMBERS
from builder.smoke.hub.member import Member
from builder.smoke.jupyter import visit as visits
from builder.smoke.jupyter.board import STARTS, Board, infos, launch, reuses_running_only, stop
from builder.smoke.jupyter.frame import one_frame
from builder.smoke.jupyter.notebook import LOGDIR, Run
from builder.smoke.jupyter.web import Web
from builder.smoke.model import Halt, ProbeFailure
from builder.smoke.probes.ports import free_port
from builder.system.waiting import wait_for
from builder.tensorboard.endpoints import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from builder.smoke.hub.site import Hub
    from builder.smoke.jupyter.visit import Visit
    from builder.smoke.model import Inside
    from builder.smoke.results.recorder import Recorder

_READ = 30.0  # seconds until TensorBoard must have read its logdir
# Seconds: that a token lives which is to expire, and that it may take beyond that.
_SHORT, _LATE = 6, 20.0
_TAGS = f"{PREFIX}scalars/tags"

# In Alice's kernel: what an info file says of a TensorBoard with these arguments. Anybody can work
# it out; the rest of it anybody can choose.
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
# Beside Jupyter: a server that outlives this program, and a file that says it is that TensorBoard.
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
_STRANGER = 4242  # a uid that nobody has


@dataclass(frozen=True, slots=True)
class _Cast:
    """Alice with a TensorBoard, Bob without one."""

    hub: Hub
    alice: Member
    bob: Member
    visit: Visit
    target: Target

    def proxied(self, member: Member) -> str:
        return f"{member.url()}proxy/{self.target.port}/"

    @property
    def redirect(self) -> str:
        return f"{self.hub.root}hub/user-redirect/proxy/{self.target.port}/"

    def look(self, web: Web, address: str, query: str = "") -> Seen:
        """One attempt; its connections go with it."""
        with closing(web):
            return look(web, address, self.target, query)

    def way(self, name: str, address: Callable[[Member], str], *, token: bool = False) -> Way:
        """The same way, as Alice goes and as Bob does: with a session, or with a token."""
        seen = [
            self.look(member.server() if token else member.session(), address(member))
            for member in (self.alice, self.bob)
        ]
        return Way(f"{name} by {'token' if token else 'session'}", *seen)


def walk(hub: Hub, release: str, record: Recorder) -> None:
    """The layers `strangers`, and `isolation` or `shared-loopback`, as the spawner is."""
    own = "isolation" if hub.configuration.contained else "shared-loopback"
    ready: list[_Cast] = []
    with ExitStack() as stack:
        with record.layer("strangers"):
            with record.probe("owner-shows", vital=True) as told:
                ready.append(_prepare(hub, release, record, stack))
                told(f"port {ready[0].target.port}, tag {ready[0].target.canary}")
            _strangers(ready[0], record)
        with record.layer(own):
            if not ready:
                raise Halt("owner-shows")
            if hub.configuration.contained:
                _apart(ready[0], record)
            else:
                _together(ready[0], record)


def _prepare(hub: Hub, release: str, record: Recorder, stack: ExitStack) -> _Cast:
    alice = stack.enter_context(closing(Member.log_in(hub.root, "alice")))
    bob = stack.enter_context(closing(Member.log_in(hub.root, "bob")))
    for member in (alice, bob):
        record.hide(member.token)
        member.start()
    visit = stack.enter_context(visits.opened(hub.site(alice, release), Run.fresh(release)))
    return _Cast(hub, alice, bob, visit, _show(visit))


def _show(visit: Visit) -> Target:
    visit.prepare()
    frame = one_frame(visit.kernel.run(visit.run.show, timeout=STARTS), visit.page)
    board, canary = Board(visit.web, frame.address), visit.run.shown_tag
    board.wait("the canary tag is", _TAGS, lambda tags: canary in str(tags), _READ)
    return Target(visit.site.deployment.base_url, infos(visit.kernel)[0].port, canary)


def _strangers(cast: _Cast, record: Recorder) -> None:
    """What keeps strangers out whatever the spawner: the Hub's logins and tokens."""
    alice, bob = cast.alice, cast.bob
    page = cast.proxied(alice)
    with record.probe("owner-reads", vital=True) as told:
        session = cast.look(alice.session(), page)
        redirected = cast.look(alice.session(), cast.redirect)
        token = cast.look(alice.server(), page)
        own = [
            ("her session", session),
            ("her session by user-redirect", redirected),
            ("her token", token),
        ]
        read(own)
        told("; ".join(f"{what} {seen.answers}" for what, seen in own))
    with record.probe("other-session-refused") as told:
        told(refused([Way("his session", session, cast.look(bob.session(), page))]))
    with record.probe("other-token-refused") as told:
        wrong = Web(alice.url(), "0" * 32)
        ways = [("his token", bob.server()), ("a wrong token", wrong)]
        told(refused(Way(name, token, cast.look(web, page)) for name, web in ways))
    with record.probe("nobody-refused") as told:
        directly = Way("directly", session, cast.look(_stranger(cast), page))
        other = Way("by user-redirect", redirected, cast.look(_stranger(cast), cast.redirect))
        told(refused([directly, other]))
    with record.probe("ways-of-nobody") as told:
        told(_ways_of_nobody(cast, page))
    with record.probe("expired-token-refused") as told:
        told(_expired(cast, page, record))
    with record.probe("logged-out-refused") as told:
        told(_logged_out(cast, page))
    with record.probe("login-not-framed") as told:
        told(_login_page(cast, page))


def _stranger(cast: _Cast) -> Web:
    return Web(cast.hub.root)


def _ways_of_nobody(cast: _Cast, page: str) -> str:
    """No token is taken from an address, and none at all by the Hub's pages.

    The rules are `allow_token_in_url` in jupyterhub/services/auth.py, and `_accept_token_auth` in
    jupyterhub/handlers/base.py.
    """
    alice, bob = cast.alice, cast.bob
    return nobodys(
        [
            (
                "her token in the address",
                cast.look(_stranger(cast), page, f"?token={alice.token}"),
            ),
            ("his token in the address", cast.look(_stranger(cast), page, f"?token={bob.token}")),
            ("her token by user-redirect", cast.look(alice.server(), cast.redirect)),
            ("his token by user-redirect", cast.look(bob.server(), cast.redirect)),
        ]
    )


def _expired(cast: _Cast, page: str, record: Recorder) -> str:
    """A token that has expired lets nobody in; its control is that it did before.

    Her server has asked the Hub about it by then, and believes what it was told for a while.
    """
    member = cast.alice
    token = member.new_token(_SHORT)
    record.hide(token)
    api = f"{cast.hub.root}hub/api/user"

    def gone() -> bool | None:
        with closing(Web(api, token)) as web:
            return web.ask(api).status == 403 or None

    def out() -> Seen | None:
        seen = cast.look(Web(member.url(), token), page)
        return None if seen.read else seen

    before = cast.look(Web(member.url(), token), page)
    read([("her token before it expires", before)])
    if wait_for(gone, _SHORT + _LATE) is None:
        raise ProbeFailure(f"the token of {_SHORT} s lets her in at the Hub after {_LATE:.0f} more")
    after = wait_for(out, REMEMBERS + _LATE)
    if after is None:
        raise ProbeFailure(f"her server takes the token {REMEMBERS + _LATE:.0f} s after the Hub")
    return refused([Way(f"her expired token, once {REMEMBERS} s are over", before, after)])


def _logged_out(cast: _Cast, page: str) -> str:
    """After a logout the same browser is let in no more; the control is that it was before."""
    with (
        closing(Member.log_in(cast.hub.root, cast.alice.name)) as again,
        closing(again.session()) as browser,
    ):
        before = look(browser, page, cast.target)
        browser.ask(f"{cast.hub.root}hub/logout").expect(302)
        after = look(browser, page, cast.target)
        return refused([Way("her browser after a logout", before, after)])


def _login_page(cast: _Cast, page: str) -> str:
    """With an expired login a frame would show the Hub's form: the Hub lets no page frame it."""
    with closing(_stranger(cast)) as web:
        answer = web.ask(page, follow=True).expect(200)
    policy = answer.headers.get("Content-Security-Policy", "")
    if "/hub/login" not in answer.url or "frame-ancestors 'none'" not in policy:
        raise ProbeFailure(f"{answer.url} comes with the policy {policy!r}")
    return "the frame stays blank: frame-ancestors 'none'"


def _apart(cast: _Cast, record: Recorder) -> None:
    """With a container for each user there is no way past the Hub either."""
    port = cast.target.port
    host = cast.hub.container_of(cast.alice.name).name
    with record.probe("other-proxy-refused") as told, _below_absolute(cast) as prefixed:
        told(refused(_ways(cast, prefixed)))
    with record.probe("other-by-host-refused") as told:
        # jupyter-server-proxy leads to the loopback only (`host_allowlist`).
        told(
            nobodys(
                (name, cast.look(member.session(), f"{member.url()}proxy/{host}:{port}/"))
                for name, member in (("she", cast.alice), ("he", cast.bob))
            )
        )
    with record.probe("other-direct-refused") as told:
        told(_direct(cast, host))


@contextmanager
def _below_absolute(cast: _Cast) -> Iterator[int]:
    """Another TensorBoard of hers, the port of which `proxy/absolute/` shows."""
    visit = cast.visit
    port = free_port(visit)
    prefix = f"{cast.target.base}proxy/absolute/{port}"
    _, info = launch(visit, f"--logdir {LOGDIR} --port {port} --path_prefix {prefix}")
    try:
        board = Board(visit.web, f"{visit.site.origin}{prefix}/")
        canary = cast.target.canary
        board.wait("the canary tag is", _TAGS, lambda tags: canary in str(tags), _READ)
        yield port
    finally:
        stop(visit, info)


def _ways(cast: _Cast, prefixed: int) -> Iterator[Way]:
    """Each of them as Alice goes on her server, and as Bob does on his."""
    port = cast.target.port
    paths = [
        ("own proxy", f"proxy/{port}/"),
        ("localhost", f"proxy/localhost:{port}/"),
        ("absolute", f"proxy/absolute/{prefixed}/"),
    ]
    for name, path in paths:
        for token in (False, True):
            yield cast.way(name, _below(path), token=token)
    yield cast.way("user-redirect", lambda _: cast.redirect)


def _below(path: str) -> Callable[[Member], str]:
    return lambda member: f"{member.url()}{path}"


def _direct(cast: _Cast, host: str) -> str:
    his = direct(cast.hub.container_of(cast.bob.name), host, cast.target)
    hers = direct(cast.hub.container_of(cast.alice.name), host, cast.target)
    beside = direct(cast.hub.neighbour, host, cast.target)
    if not (hers.loopback and hers.read and his.server and beside.server):
        raise ProbeFailure(f"the control failed: from her container {hers}, from his {his}")
    for who, seen in (("his container", his), ("a container beside them", beside)):
        if seen.tensorboard or seen.loopback or seen.read:
            raise ProbeFailure(f"{who} reaches it: {seen}")
    statuses = ", ".join(map(str, his.statuses))
    return f"her port {cast.target.port} refused; her server's answers {statuses}"


def _together(cast: _Cast, record: Recorder) -> None:
    """One loopback for all: this is how that spawner is, and it is said."""
    with record.probe("shared-loopback-read") as told:
        seen = cast.look(cast.bob.server(), cast.proxied(cast.bob))
        read([("Bob's own proxy", seen)])
        told(f"Bob reads it at {cast.bob.url()}: local processes share one loopback")
    if not reuses_running_only(cast.visit.kernel):
        record.skip("planted-info-ignored", "this wheel is without the series `security`")
        return
    with record.probe("planted-info-ignored") as told:
        told(_planted(cast))


def _planted(cast: _Cast) -> str:
    """Another user of the machine says that a server of theirs is Alice's TensorBoard.

    The control: a file of the same form by her own user is believed. That is Bob's user too, as
    this spawner is: nobody can keep those two apart.
    """
    visit, inside = cast.visit, cast.visit.site.inside
    assert inside is not None  # noqa: S101 - ours has one
    arguments = f"--logdir {LOGDIR} --window_title planted"
    place = f"/tmp/{visit.run.directory}"  # noqa: S108 - for everybody, as /tmp is
    inside.run(["mkdir", "--mode=1777", place], root=True)
    visit.kernel.run(_TEMPORARY.replace("PLACE", repr(place)))
    try:
        facts = visit.kernel.value(_FACTS.replace("ARGUMENTS", repr(arguments.split())))
        with _planting(inside, place, facts, None) as port:
            if port not in visit.kernel.value(_KNOWN):
                raise ProbeFailure(f"the control failed: her own user's port {port} is not known")
        with _planting(inside, place, facts, _STRANGER) as port:
            done, info = launch(visit, arguments)
            try:
                shown = one_frame(done, visit.page).address
                known = visit.kernel.value(_KNOWN)
            finally:
                stop(visit, info)
        if port in known or info.port == port or f"/{port}/" in shown:
            raise ProbeFailure(f"a stranger's port {port} is believed: {known}, {info}, {shown}")
        return f"the uid {_STRANGER}'s port {port} is not known to her; hers is {info.port}"
    finally:
        visit.kernel.run(_TEMPORARY.replace("PLACE", 'os.path.abspath("tmp")'))
        inside.run(["rm", "-r", place], root=True)


@contextmanager
def _planting(
    inside: Inside, place: str, facts: Mapping[str, str], uid: int | None
) -> Iterator[int]:
    """A server of a user beside Jupyter, its own or another, and the file that names it.

    Yields:
        The server's port.
    """
    words = ["python3", "-c", _PLANT, place, json.dumps(facts)]
    if uid is not None:
        words = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *words]
    code, out = inside.run(words, root=uid is not None)
    if code:
        raise ProbeFailure(f"no info file can be planted: {out}")
    pid, port = json.loads(out.splitlines()[-1])
    try:
        yield port
    finally:
        inside.run(["kill", str(pid)], root=True)
        inside.run(["rm", f"{place}/.tensorboard-info/pid-{pid}.info"], root=True)
