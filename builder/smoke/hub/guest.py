"""One of many users of a Hub, with a TensorBoard that shows their own canary."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING, Self, TypeVar

import requests

from builder.smoke.hub.member import Member
from builder.smoke.jupyter import visit as visits
from builder.smoke.jupyter.board import STARTS, Board
from builder.smoke.jupyter.frame import one_frame
from builder.smoke.jupyter.kernel import staying
from builder.smoke.jupyter.login import entry
from builder.smoke.jupyter.notebook import APART, LOGDIR, Run
from builder.smoke.jupyter.visit import Visit
from builder.smoke.model import ProbeFailure
from builder.tensorboard.endpoints import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import ThreadPoolExecutor
    from contextlib import ExitStack

    from builder.smoke.hub.site import Hub

_T = TypeVar("_T")
TAGS = f"{PREFIX}scalars/tags"
# Seconds: until TensorBoard must have read its logdir, until an answer must be there.
_READ, _ANSWERS = 60.0, 10.0
_WRITE = dedent(f"""\
    from builder.smoke.jupyter.writer import Log

    with Log("{LOGDIR}/train") as log:
        for step in range(30):
            log.scalar("CANARY", step, step / 30)""")


@dataclass(frozen=True, slots=True)
class Guest:
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

    @classmethod
    def arrive(cls, hub: Hub, name: str, release: str, stack: ExitStack) -> Self:
        """Log in, start a server, show TensorBoard, and wait until it has the canary.

        Args:
            hub: with a container for each user.
            name: of the user.
            release: the TensorBoard release.
            stack: closes what is opened.

        Raises:
            ProbeFailure: one of these cannot be done.
        """
        member = stack.enter_context(closing(Member.log_in(hub.root, name)))
        spawned = member.start()
        site, run = hub.site(member, release), Run.fresh(release)
        web = stack.enter_context(closing(entry(site)))
        visits.upload(web, run)
        # Nothing has to be cleaned up in a container that goes with its user.
        visit = Visit(site, run, web, stack.enter_context(staying(web, run.notebook)))
        for code in (APART, _WRITE.replace("CANARY", run.canary), run.load):
            done = visit.kernel.run(code, timeout=STARTS)
            if done.error is not None:
                raise ProbeFailure(f"{name}: {done.error}")
        began = time.monotonic()
        frame = one_frame(visit.kernel.run(run.show, timeout=STARTS), visit.page)
        board = Board(web, frame.address)
        board.ask("/").expect(200)
        framed = time.monotonic() - began
        board.wait("the canary tag is", TAGS, lambda tags: run.canary in str(tags), _READ)
        return cls(member, visit, board, spawned, framed)

    @property
    def canary(self) -> str:
        """The tag that nobody else has."""
        return self.visit.run.canary

    def reads(self) -> bool:
        """Whether they read their own canary now."""
        try:
            answer = self.board.ask(TAGS, timeout=_ANSWERS)
        except requests.RequestException:
            return False
        return answer.status == 200 and self.canary in answer.text


def at_once(pool: ThreadPoolExecutor, do: Callable[[_T], object], what: Sequence[_T]) -> None:
    """Do that for each, all at once; the first failure in their order is raised at the end."""
    for future in [pool.submit(do, one) for one in what]:
        future.result()
