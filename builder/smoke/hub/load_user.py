"""One of many users in the load test, with a TensorBoard that shows their own canary."""

from __future__ import annotations

import time
from contextlib import closing
from textwrap import dedent
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec
import requests

from builder.smoke.hub.hub_user import HubUser
from builder.smoke.jupyter import notebook_session
from builder.smoke.jupyter.frame import expect_one_frame
from builder.smoke.jupyter.kernel import start_lasting_kernel
from builder.smoke.jupyter.login import open_client
from builder.smoke.jupyter.notebook import LOGDIR, SEPARATE_TMPDIR_CELL, NotebookRun
from builder.smoke.jupyter.notebook_session import NotebookSession
from builder.smoke.jupyter.tensorboard_client import TENSORBOARD_START_TIMEOUT, TensorBoardClient
from builder.smoke.model import ProbeFailure
from builder.tensorboard.endpoints import PLUGIN_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import ThreadPoolExecutor
    from contextlib import ExitStack

    from builder.smoke.hub.site import Hub

_T = TypeVar("_T")
SCALAR_TAGS_PATH = f"{PLUGIN_PREFIX}scalars/tags"
# Seconds: until TensorBoard must have read its logdir, and until it must answer.
_READ_TIMEOUT, _RESPONSE_TIMEOUT = 60.0, 10.0
_WRITE = dedent(f"""\
    from builder.smoke.jupyter.writer import EventFileWriter

    with EventFileWriter("{LOGDIR}/train") as log:
        for step in range(30):
            log.write_scalar("CANARY", step, step / 30)""")


class LoadUser(msgspec.Struct, frozen=True):
    """One of many users, with a TensorBoard.

    Attributes:
        spawn_seconds: seconds from the request for a server until it is ready.
        frame_seconds: seconds from the start of the cell that shows TensorBoard to its page.
    """

    hub_user: HubUser
    session: NotebookSession
    tensorboard: TensorBoardClient
    spawn_seconds: float
    frame_seconds: float

    @classmethod
    def create_with_tensorboard(cls, hub: Hub, name: str, stack: ExitStack) -> Self:
        """Log in, start a server, show TensorBoard, and wait until it has the canary.

        Args:
            hub: a Hub with a container for each user.
            name: the user's name.
            stack: closes what is opened.

        Raises:
            ProbeFailure: one of these cannot be done.
        """
        hub_user = stack.enter_context(closing(HubUser.log_in(hub.root, name)))
        spawn_seconds = hub_user.start_server()
        site = hub.find_site(hub_user)
        run = NotebookRun.with_new_canary(site.wheel)
        client = stack.enter_context(closing(open_client(site)))
        notebook_session.upload_notebook(client, run)
        # Nothing has to be cleaned up, as the user's container is removed.
        session = NotebookSession(
            site, run, client, stack.enter_context(start_lasting_kernel(client, run.notebook))
        )
        for code in (SEPARATE_TMPDIR_CELL, _WRITE.replace("CANARY", run.canary), run.load_cell):
            execution = session.kernel.run_cell(code, timeout=TENSORBOARD_START_TIMEOUT)
            if execution.error is not None:
                raise ProbeFailure(f"{name}: {execution.error}")
        began = time.monotonic()
        frame = expect_one_frame(
            session.kernel.run_cell(run.show_cell, timeout=TENSORBOARD_START_TIMEOUT),
            session.page_url,
        )
        tensorboard = TensorBoardClient(client, frame.address)
        tensorboard.send_request("/").expect_status(200)
        frame_seconds = time.monotonic() - began
        tensorboard.wait_for_json(
            "the canary tag is",
            SCALAR_TAGS_PATH,
            lambda tags: run.canary in str(tags),
            _READ_TIMEOUT,
        )
        return cls(hub_user, session, tensorboard, spawn_seconds, frame_seconds)

    @property
    def canary(self) -> str:
        """The tag that no other user has."""
        return self.session.run.canary

    def can_read_canary(self) -> bool:
        """Whether the user can read their own canary now."""
        try:
            response = self.tensorboard.send_request(SCALAR_TAGS_PATH, timeout=_RESPONSE_TIMEOUT)
        except requests.RequestException:
            return False
        return response.status == 200 and self.canary in response.text


def run_in_parallel(
    pool: ThreadPoolExecutor, function: Callable[[_T], object], items: Sequence[_T]
) -> None:
    """Call a function for each item, all at once; then raise the first failure in item order."""
    for future in [pool.submit(function, item) for item in items]:
        future.result()
