"""Nobody sees another one's TensorBoard: Alice has one, Bob and strangers try to read it.

Every attempt of somebody else has its positive control: Alice reads it that way.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.smoke import visit as visits
from builder.smoke.board import STARTS, Board, infos
from builder.smoke.frame import one_frame
from builder.smoke.hub.attempts import Seen, Target, direct, look, read, refused
from builder.smoke.hub.member import Member
from builder.smoke.model import Halt, ProbeFailure
from builder.smoke.notebook import Run
from builder.smoke.web import Web
from builder.today.endpoints import PREFIX
from builder.waiting import wait_for

if TYPE_CHECKING:
    from builder.smoke.hub.site import Hub
    from builder.smoke.recorder import Recorder
    from builder.smoke.visit import Visit

_READ = 30.0  # seconds until TensorBoard must have read its logdir
_SHORT = 3  # seconds that a token lives which is to expire


@dataclass(frozen=True, slots=True)
class _Cast:
    """Alice with a TensorBoard, Bob without one."""

    hub: Hub
    alice: Member
    bob: Member
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


def walk(hub: Hub, release: str, record: Recorder) -> None:
    """The layers `strangers`, and `isolation` or `shared-loopback`, as the spawner is."""
    own = "isolation" if hub.configuration.contained else "shared-loopback"
    ready: list[_Cast] = []
    with ExitStack() as stack:
        with record.layer("strangers"):
            with record.probe("owner-shows", vital=True) as told:
                ready.append(_prepare(hub, release, stack))
                told(f"port {ready[0].target.port}, tag {ready[0].target.canary}")
            _strangers(ready[0], record)
        with record.layer(own):
            if not ready:
                raise Halt("owner-shows")
            if hub.configuration.contained:
                _apart(ready[0], record)
            else:
                _together(ready[0], record)


def _prepare(hub: Hub, release: str, stack: ExitStack) -> _Cast:
    alice = stack.enter_context(closing(Member.log_in(hub.root, "alice")))
    bob = stack.enter_context(closing(Member.log_in(hub.root, "bob")))
    alice.start()
    bob.start()
    visit = stack.enter_context(visits.opened(hub.site(alice, release), Run.fresh(release)))
    return _Cast(hub, alice, bob, _show(visit))


def _show(visit: Visit) -> Target:
    visit.prepare()
    frame = one_frame(visit.kernel.run(visit.run.show, timeout=STARTS), visit.page)
    board, canary = Board(visit.web, frame.address), visit.run.shown_tag
    path = f"{PREFIX}scalars/tags"
    board.wait("the canary tag is", path, lambda tags: canary in str(tags), _READ)
    return Target(visit.site.deployment.base_url, infos(visit.kernel)[0].port, canary)


def _strangers(cast: _Cast, record: Recorder) -> None:
    """What keeps strangers out whatever the spawner: the Hub's logins and tokens."""
    alice, bob = cast.alice, cast.bob
    page = cast.proxied(alice)
    with record.probe("owner-reads", vital=True) as told:
        own = [
            ("her session", cast.look(alice.session(), page)),
            ("her session by user-redirect", cast.look(alice.session(), cast.redirect)),
            ("her token", cast.look(alice.server(), page)),
        ]
        read(own)
        told("; ".join(f"{what} {seen.answers}" for what, seen in own))
    with record.probe("other-session-refused") as told:
        told(refused([("his session", cast.look(bob.session(), page))]))
    with record.probe("other-token-refused") as told:
        his = Web(alice.url(), bob.token)
        query, hers = f"?token={bob.token}", f"?token={alice.token}"
        told(
            refused(
                [
                    ("his token", cast.look(his, page)),
                    # None is taken from there: `allow_token_in_url` in jupyterhub/services/auth.py.
                    ("his token in the address", cast.look(_stranger(cast), page, query)),
                    ("her token in the address", cast.look(_stranger(cast), page, hers)),
                    ("a wrong token", cast.look(Web(alice.url(), "0" * 32), page)),
                ]
            )
        )
    with record.probe("nobody-refused") as told:
        paths = [("directly", page), ("by user-redirect", cast.redirect)]
        told(refused((what, cast.look(_stranger(cast), address)) for what, address in paths))
    with record.probe("expired-token-refused") as told:
        told(_expired(cast, page))
    with record.probe("logged-out-refused") as told:
        told(_logged_out(cast, page))
    with record.probe("login-not-framed") as told:
        told(_login_page(cast, page))


def _stranger(cast: _Cast) -> Web:
    return Web(cast.hub.root)


def _expired(cast: _Cast, page: str) -> str:
    """A token that has expired lets nobody in; its control is that it did before."""
    member = cast.alice
    token = member.new_token(_SHORT)
    api = f"{cast.hub.root}hub/api/user"

    def gone() -> bool | None:
        with closing(Web(api, token)) as web:
            return web.ask(api).status == 403 or None

    # Asked at the Hub, as a user's server remembers for five minutes what the Hub once said.
    if gone():
        raise ProbeFailure("the control failed: the token never let her in")
    if wait_for(gone, _SHORT + 20.0) is None:
        raise ProbeFailure(f"the token of {_SHORT} s lets her in after {_SHORT + 20} s")
    return refused([("her expired token", cast.look(Web(member.url(), token), page))])


def _logged_out(cast: _Cast, page: str) -> str:
    """After a logout the same browser is let in no more; the control is that it was before."""
    with (
        closing(Member.log_in(cast.hub.root, cast.alice.name)) as again,
        closing(again.session()) as browser,
    ):
        read([("her second session", look(browser, page, cast.target))])
        browser.ask(f"{cast.hub.root}hub/logout").expect(302)
        return refused([("her browser after a logout", look(browser, page, cast.target))])


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
    bob, port = cast.bob, cast.target.port
    host = cast.hub.container_of(cast.alice.name).name
    with record.probe("other-proxy-refused") as told:
        own = bob.url()
        ways = [
            ("his own proxy", f"{own}proxy/{port}/"),
            ("absolute", f"{own}proxy/absolute/{port}/"),
            ("user-redirect", cast.redirect),
        ]
        told(
            refused(
                (f"{what} by {name}", cast.look(web(), address))
                for what, address in ways
                for name, web in (("session", bob.session), ("token", bob.server))
            )
        )
    with record.probe("other-by-host-refused") as told:
        ways = [("by her host", f"{bob.url()}proxy/{host}:{port}/")]
        told(refused((what, cast.look(bob.session(), address)) for what, address in ways))
    with record.probe("other-direct-refused") as told:
        told(_direct(cast, host))


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
