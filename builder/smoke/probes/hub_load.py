"""The layer `load`: many users at once, and what recovers when parts of the Hub are killed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from statistics import median
from textwrap import dedent
from typing import TYPE_CHECKING, TypeVar

import requests

from builder.smoke import visit as visits
from builder.smoke.board import STARTS, Board
from builder.smoke.frame import one_frame
from builder.smoke.hub.member import Member
from builder.smoke.kernel import staying
from builder.smoke.model import ProbeFailure
from builder.smoke.notebook import APART, LOGDIR, Run
from builder.smoke.visit import Visit
from builder.smoke.web import entry
from builder.today.endpoints import PREFIX
from builder.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from builder.smoke.hub.site import Hub
    from builder.smoke.recorder import Recorder

_T = TypeVar("_T")
_TAGS = f"{PREFIX}scalars/tags"
_ASKS = 30  # requests of each user
# Seconds: until TensorBoard must have read its logdir, and until what was killed must be back. The
# Hub looks after its proxy every 5 (`ConfigurableHTTPProxy.check_running_interval`).
_READ, _BACK = 60.0, 90.0
_PATIENCE = 5.0
_WRITE = dedent(f"""\
    from builder.smoke.writer import Log

    with Log("{LOGDIR}/train") as log:
        for step in range(30):
            log.scalar("CANARY", step, step / 30)""")
# The Hub's proxy is the one node program there; the image has no pkill.
_KILL_PROXY = dedent("""\
    import glob, os, signal

    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                words = file.read().split(b"\\0")
        except OSError:
            continue
        if any(word.endswith(b"configurable-http-proxy") for word in words[:2]):
            os.kill(int(path.split("/")[2]), signal.SIGKILL)
            print(path.split("/")[2])""")


@dataclass(frozen=True, slots=True)
class _Guest:
    """One of many users, with a TensorBoard.

    Attributes:
        spawned: seconds from the request for a server to its being there.
        framed: seconds from the cell that shows TensorBoard to its page.
    """

    member: Member
    visit: Visit
    board: Board
    spawned: float
    framed: float

    @property
    def canary(self) -> str:
        return self.visit.run.canary


def walk(hub: Hub, release: str, users: int, record: Recorder) -> None:
    """The layer `load`.

    Args:
        hub: with a container for each user.
        release: the TensorBoard release.
        users: how many.
        record: gets the results.
    """
    with record.layer("load"), ExitStack() as stack, ThreadPoolExecutor(users) as pool:
        guests: list[_Guest] = []
        with record.probe("load-frames", vital=True) as told:
            # What each of them opens is closed by the stack, whoever fails.
            names = [f"guest{number}" for number in range(users)]
            _all(pool, lambda name: guests.append(_arrive(hub, name, release, stack)), names)
            told(_arrivals(guests))
        with record.probe("load-own-canary") as told:
            told(_own(pool, guests))
        with record.probe("load-memory") as told:
            told(_memory(hub, pool))
        with record.probe("proxy-killed") as told:
            told(_proxy_killed(hub, pool, guests))
        with record.probe("server-killed") as told:
            told(_server_killed(hub, pool, guests, release))


def _all(pool: ThreadPoolExecutor, do: Callable[[_T], object], what: Sequence[_T]) -> None:
    for future in [pool.submit(do, one) for one in what]:
        future.result()


def _arrive(hub: Hub, name: str, release: str, stack: ExitStack) -> _Guest:
    member = stack.enter_context(closing(Member.log_in(hub.root, name)))
    spawned = member.start()
    site, run = hub.site(member, release), Run.fresh(release)
    web = stack.enter_context(closing(entry(site)))
    visits.upload(web, run)
    # Nothing has to be cleaned up in a container that goes with its user.
    visit = Visit(site, run, web, stack.enter_context(staying(web, run.notebook)))
    for code in (APART, _WRITE.replace("CANARY", visit.run.canary), visit.run.load):
        done = visit.kernel.run(code, timeout=STARTS)
        if done.error is not None:
            raise ProbeFailure(f"{name}: {done.error}")
    began = time.monotonic()
    frame = one_frame(visit.kernel.run(visit.run.show, timeout=STARTS), visit.page)
    board = Board(visit.web, frame.address)
    board.ask("/").expect(200)
    framed = time.monotonic() - began
    board.wait("the canary tag is", _TAGS, lambda tags: visit.run.canary in str(tags), _READ)
    return _Guest(member, visit, board, spawned, framed)


def _arrivals(guests: Sequence[_Guest]) -> str:
    spawned, framed = [g.spawned for g in guests], [g.framed for g in guests]
    return (
        f"{len(guests)} users at once: spawned in {median(spawned):.1f} s, at most "
        f"{max(spawned):.1f}; first frame in {median(framed):.1f} s, at most {max(framed):.1f}"
    )


def _own(pool: ThreadPoolExecutor, guests: Sequence[_Guest]) -> str:
    """Everybody asks at once, and sees their own tag alone."""
    canaries = {guest.canary for guest in guests}

    def ask(guest: _Guest) -> None:
        for _ in range(_ASKS):
            text = guest.board.ask(_TAGS).expect(200).text
            seen = {canary for canary in canaries if canary in text}
            if seen != {guest.canary}:
                raise ProbeFailure(f"{guest.member.name} sees {len(seen)} canaries, not their own")

    began = time.monotonic()
    _all(pool, ask, guests)
    seconds = time.monotonic() - began
    count = _ASKS * len(guests)
    return f"{count} answers, none with another's canary; {count / seconds:.0f} requests per second"


def _memory(hub: Hub, pool: ThreadPoolExecutor) -> str:
    each = list(pool.map(lambda container: container.memory(), hub.containers()))
    own = hub.container.memory()
    return (
        f"{median(each) / 1e6:.0f} MB for a user with Jupyter, a kernel and TensorBoard; "
        f"{own / 1e6:.0f} MB for the Hub with its proxy; {(sum(each) + own) / 1e9:.1f} GB in all"
    )


def _proxy_killed(hub: Hub, pool: ThreadPoolExecutor, guests: Sequence[_Guest]) -> str:
    """The Hub starts its proxy again and tells it all routes."""
    _, killed = hub.container.run(["python3", "-c", _KILL_PROXY], user="0")
    if len(killed.split()) != 1:
        raise ProbeFailure(f"there is not one proxy to kill: {killed!r}")
    began = time.monotonic()
    if _reads(guests[0]):
        raise ProbeFailure("the control failed: without the proxy there are answers")
    _all(pool, _wait_until_back, guests)
    seconds = time.monotonic() - began
    return (
        f"all {len(guests)} have their TensorBoards again after {seconds:.1f} s; "
        "connections to kernels ended, which pages make anew"
    )


def _wait_until_back(guest: _Guest) -> None:
    if wait_for(lambda: _reads(guest) or None, _BACK) is None:
        raise ProbeFailure(f"{guest.member.name} has no TensorBoard after {_BACK:.0f} s")


def _reads(guest: _Guest) -> bool:
    try:
        answer = guest.board.ask(_TAGS, timeout=10.0)
    except requests.RequestException:
        return False
    return answer.status == 200 and guest.canary in answer.text


def _lost(guest: _Guest) -> str:
    """What its user sees of a killed server, before the Hub notices."""
    try:
        status = guest.board.ask("/", timeout=_PATIENCE).status
    except requests.RequestException:
        return f"no answer within {_PATIENCE:.0f} s"
    if status == 200:
        raise ProbeFailure("the control failed: a killed server answers")
    return str(status)


def _server_killed(
    hub: Hub, pool: ThreadPoolExecutor, guests: Sequence[_Guest], release: str
) -> str:
    """One user's container is killed: the others go on, and that user starts anew."""
    victim, *others = guests
    began = time.monotonic()
    hub.container_of(victim.member.name).remove()
    lost = _lost(victim)
    _own(pool, others)
    # It looks after servers every 30 (`Spawner.poll_interval`), and starts none before it knows.
    if wait_for(lambda: "" not in victim.member.servers() or None, _BACK) is None:
        raise ProbeFailure(f"after {_BACK:.0f} s the Hub has not noticed that the server is gone")
    noticed = time.monotonic() - began
    with ExitStack() as stack:
        again = _arrive(hub, victim.member.name, release, stack)
        seconds = time.monotonic() - began
        if not _reads(again):
            raise ProbeFailure("the new server shows no TensorBoard")
    return (
        f"theirs gave {lost}, the others went on; the Hub noticed after {noticed:.1f} s; "
        f"a new server and TensorBoard after {seconds:.1f} s; what the container held is lost"
    )
