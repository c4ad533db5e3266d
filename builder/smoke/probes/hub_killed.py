"""Kill the Hub's proxy or a user's server, and check what recovers and what does not.

The users go on requesting their TensorBoards meanwhile.
"""

from __future__ import annotations

import time
from concurrent.futures import wait
from contextlib import ExitStack, closing
from textwrap import dedent
from threading import Event
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
import requests

from builder.smoke.hub.load_user import LoadUser, run_in_parallel
from builder.smoke.jupyter.kernel import Kernel
from builder.smoke.model import ProbeFailure
from builder.system.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from builder.smoke.hub.site import Hub

# Seconds until what was killed must be back. The Hub checks its proxy every 5 (its setting
# `ConfigurableHTTPProxy.check_running_interval`), and servers every 30 (`Spawner.poll_interval`).
_RECOVERY_TIMEOUT = 90.0
# Seconds: for a response of a killed server, and between two requests of a user.
_RESPONSE_TIMEOUT, _POLL_INTERVAL = 5.0, 0.02
# The Hub's proxy is the only node program in its container. The image has no pkill.
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
# Set and read a variable: a kernel that still has it was not replaced by a new one.
_REMEMBER = "kept = 'CANARY'"
_RECALL = "import json\nprint(json.dumps(kept))"


class _PollingUser(msgspec.Struct):
    """A user who requests their TensorBoard again and again.

    Attributes:
        load_user: the user.
        begun: set when they have had a good response.
        failed: how many of their requests got no response, or a wrong one.
        back: `time.monotonic()` at the first good response to a request that was sent after the
            kill, or 0.
    """

    load_user: LoadUser
    begun: Event = msgspec.field(default_factory=Event)
    failed: int = 0
    back: float = 0.0

    def poll_until_back(self, killed: Event) -> None:
        """Poll until the first good response to a request that was sent after the kill.

        Raises:
            ProbeFailure: there is none within `_RECOVERY_TIMEOUT` seconds of the kill.
        """
        deadline: float | None = None
        while True:
            after = killed.is_set()
            deadline = deadline or (time.monotonic() + _RECOVERY_TIMEOUT if after else None)
            if not self.load_user.can_read_canary():
                self.failed += 1
            elif after:
                self.back = time.monotonic()
                return
            else:
                self.begun.set()
            if deadline and time.monotonic() > deadline:
                name = self.load_user.hub_user.name
                raise ProbeFailure(
                    f"{name} has no TensorBoard {_RECOVERY_TIMEOUT:.0f} s after the kill"
                )
            time.sleep(_POLL_INTERVAL)


def check_killed_proxy(hub: Hub, pool: ThreadPoolExecutor, load_users: Sequence[LoadUser]) -> str:
    """Kill the Hub's proxy while all users poll; the Hub restarts it and restores all routes.

    Raises:
        ProbeFailure: a user has not got back what should come back, or no request failed at all.
    """
    run_in_parallel(
        pool,
        lambda load_user: load_user.session.kernel.run_cell(_fill_canary(_REMEMBER, load_user)),
        load_users,
    )
    pollers = [_PollingUser(load_user) for load_user in load_users]
    killed = Event()
    futures = [pool.submit(poller.poll_until_back, killed) for poller in pollers]
    try:
        if not all(poller.begun.wait(_RECOVERY_TIMEOUT) for poller in pollers):
            raise ProbeFailure("the control failed: not all of them have an answer before the kill")
        _, pids = hub.container.run_program(["python3", "-c", _KILL_PROXY], user="0")
        began = time.monotonic()
    finally:
        killed.set()
        wait(futures)
    for future in futures:
        future.result()
    if len(pids.split()) != 1:
        raise ProbeFailure(f"there is not one proxy to kill: {pids!r}")
    failed = sum(poller.failed for poller in pollers)
    if not failed:
        raise ProbeFailure("the control failed: nobody noticed that the proxy was killed")
    seconds = max(poller.back for poller in pollers) - began
    run_in_parallel(pool, _reconnect_kernel, load_users)
    return (
        f"{failed} questions of {len(load_users)} who went on asking were lost; all have their "
        f"TensorBoards again after {seconds:.1f} s; their connections to kernels broke, new ones "
        "find the same kernels as they were"
    )


def _reconnect_kernel(load_user: LoadUser) -> None:
    """Check that the WebSocket broke with the proxy, and that the kernel survived."""
    old = load_user.session.kernel
    try:
        old.evaluate_json(_RECALL)
    except ProbeFailure as error:
        if "the connection to the kernel broke" not in str(error):
            raise
    else:
        raise ProbeFailure("the control failed: a WebSocket has outlived the proxy")
    with closing(Kernel(load_user.session.client, old.identity)) as new:
        new.wait_until_ready()
        kept = new.evaluate_json(_RECALL)
    if kept != load_user.canary:
        raise ProbeFailure(
            f"the kernel of {load_user.hub_user.name} has {kept!r}, not {load_user.canary}"
        )


def _fill_canary(code: str, load_user: LoadUser) -> str:
    return code.replace("CANARY", load_user.canary)


def check_killed_server(hub: Hub, victim: LoadUser, others_go_on: Callable[[], object]) -> str:
    """Kill one user's container: the others go on, that user starts again with an empty server.

    Args:
        hub: with a container for each user.
        victim: the user whose server is killed.
        others_go_on: raises a ProbeFailure if the others do not.

    Raises:
        ProbeFailure: something differs from the known behaviour.
    """
    name = victim.hub_user.name
    server_paths = (
        f"api/contents/{quote(victim.session.run.notebook)}?content=0",
        f"api/kernels/{victim.session.kernel.identity}",
    )
    for path in server_paths:
        victim.session.client.send_request(path).expect_status(200)
    began = time.monotonic()
    hub.find_container(name).remove()
    lost = _describe_outage(victim)
    others_go_on()
    # The Hub starts no new server before it has noticed that the old one is gone.
    if (
        wait_for(lambda: "" not in victim.hub_user.list_servers() or None, _RECOVERY_TIMEOUT)
        is None
    ):
        raise ProbeFailure(
            f"after {_RECOVERY_TIMEOUT:.0f} s the Hub has not noticed that the server is gone"
        )
    noticed = time.monotonic() - began
    with ExitStack() as stack:
        again = LoadUser.create_with_tensorboard(hub, name, stack)
        seconds = time.monotonic() - began
        for path in server_paths:
            again.session.client.send_request(path).expect_status(404)
    return (
        f"theirs gave {lost}, the others went on; the Hub noticed after {noticed:.1f} s; a new "
        f"server and TensorBoard after {seconds:.1f} s; the notebook and the kernel are 404 there"
    )


def _describe_outage(victim: LoadUser) -> str:
    """Describe what the user of a killed server gets before the Hub notices.

    Raises:
        ProbeFailure: the server still responds with 200.
    """
    try:
        status = victim.tensorboard.send_request("/", timeout=_RESPONSE_TIMEOUT).status
    except requests.RequestException:
        return f"no answer within {_RESPONSE_TIMEOUT:.0f} s"
    if status == 200:
        raise ProbeFailure("the control failed: a killed server answers")
    return str(status)
