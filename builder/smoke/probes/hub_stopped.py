"""The layer `stopped`: stop a user's server while TensorBoard runs, and start it again."""

from __future__ import annotations

from contextlib import ExitStack, closing
from textwrap import dedent
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.smoke.hub.hub_user import HubUser
from builder.smoke.jupyter import notebook_session
from builder.smoke.jupyter.frame import expect_one_frame, list_plain_texts
from builder.smoke.jupyter.kernel import start_lasting_kernel
from builder.smoke.jupyter.login import open_client
from builder.smoke.jupyter.notebook import LOGDIR, NotebookRun
from builder.smoke.jupyter.notebook_session import NotebookSession
from builder.smoke.jupyter.tensorboard_client import (
    TENSORBOARD_START_TIMEOUT,
    TensorBoardClient,
    TensorBoardInfo,
    has_reuse_check,
    launch_tensorboard,
    read_info_files,
    remove_info_file,
    stop_tensorboard,
)
from builder.smoke.model import ProbeFailure
from builder.smoke.probes.exposure import parse_listeners
from builder.system.waiting import wait_for

if TYPE_CHECKING:
    from builder.smoke.hub.site import Hub
    from builder.smoke.jupyter.http_client import JupyterClient
    from builder.smoke.jupyter.messages import CellExecution
    from builder.smoke.model import JupyterSite
    from builder.smoke.results.recorder import ProbeRecorder

_NAME = "carol"
_SOCKETS = ("cat", "/proc/net/tcp")
# Seconds: until a killed TensorBoard listens no more, until the engine has removed a container.
_STOP_TIMEOUT, _REMOVAL_TIMEOUT = 20.0, 10.0
# Gives the kernel another temporary directory, and prints where its info files will be.
_APART = dedent("""\
    import json, os, tempfile

    tempfile.tempdir = os.environ["TMPDIR"] = os.path.abspath("of-another")
    os.makedirs("of-another", exist_ok=True)
    print(json.dumps(os.path.abspath("of-another/.tensorboard-info")))""")
_RESTORE_TMPDIR_CODE = 'tempfile.tempdir = os.environ["TMPDIR"] = os.path.abspath("tmp")'


def run_stopped_probes(hub: Hub, recorder: ProbeRecorder) -> None:
    """Run the probes of the layer `stopped`."""
    with recorder.layer("stopped"), ExitStack() as stack:
        with recorder.probe("stopped-tensorboard", vital=True) as set_detail:
            carol = stack.enter_context(closing(HubUser.log_in(hub.root, _NAME)))
            carol.start_server()
            browser = stack.enter_context(closing(carol.connect_by_session()))
            site, run = hub.find_site(carol), NotebookRun.with_new_canary(hub.resources.wheel)
            before = _stop_while_shown(carol, site, run, browser)
            set_detail(_check_after_stop(hub, site, before))
        with recorder.probe("respawned-tensorboard", vital=True) as set_detail:
            carol.start_server()
            session = stack.enter_context(
                notebook_session.open_notebook_session(hub.find_site(carol), run)
            )
            set_detail(_check_after_start(hub, session, before))
        with recorder.probe("stale-cookie") as set_detail:
            set_detail(_check_old_cookies(browser, session))
        with recorder.probe("info-of-another") as set_detail:
            set_detail(_check_foreign_info(session))


def _stop_while_shown(
    carol: HubUser, site: JupyterSite, run: NotebookRun, browser: JupyterClient
) -> TensorBoardInfo:
    """Show TensorBoard in a notebook, then stop the server, as its page lets a user do.

    Returns:
        What the info file of that TensorBoard says.
    """
    with closing(open_client(site)) as client:
        notebook_session.upload_notebook(client, run)
        with start_lasting_kernel(client, run.notebook) as kernel:
            session = NotebookSession(site, run, client, kernel)
            session.run_setup_cells()
            frame = expect_one_frame(
                kernel.run_cell(run.show_cell, timeout=TENSORBOARD_START_TIMEOUT), session.page_url
            )
            TensorBoardClient(client, frame.address).send_request("/").expect_status(200)
            shown = read_info_files(kernel)[0]
            browser.send_request(site.build_proxy_url(shown.port)).expect_status(200)
            carol.stop_server()
    return shown


def _check_after_stop(hub: Hub, site: JupyterSite, before: TensorBoardInfo) -> str:
    if hub.configuration.contained:

        def is_gone() -> bool | None:
            return not any(c.name.endswith(f"-{_NAME}") for c in hub.list_containers()) or None

        # The engine responds to the Hub before the container is gone.
        if wait_for(is_gone, _REMOVAL_TIMEOUT) is None:
            raise ProbeFailure("the server is stopped, and its container still there")
        return "gone with its container"
    assert site.access is not None  # noqa: S101 - ours has one
    _, table = site.access.run_command(_SOCKETS)
    if before.port not in parse_listeners(table):
        raise ProbeFailure(f"nothing listens on {before.port}: this spawner was known to leave it")
    return f"left behind on port {before.port}, pid {before.pid}: a process outlives this spawner's"


def _check_after_start(hub: Hub, session: NotebookSession, before: TensorBoardInfo) -> str:
    """Run the same cell again; with a container for each user, a new TensorBoard must start.

    The info file was removed together with the container.
    """
    session.run_setup_cells()
    if not hub.configuration.contained:
        return _check_reuse(session, before)
    if left := read_info_files(session.kernel):
        raise ProbeFailure(f"info files have outlived their container: {left}")
    execution, now = _show_tensorboard(session, 200)
    if now.start_time <= before.start_time or _is_reused(execution):
        raise ProbeFailure(f"it shows {now}, which ran before: {before}")
    younger = now.start_time - before.start_time
    return f"a new one, {younger} s younger: the info file went with the container"


def _check_reuse(session: NotebookSession, before: TensorBoardInfo) -> str:
    """Check what is shown of a TensorBoard that was left behind when its server stopped.

    While it runs, it is reused. Once it is killed, it is reused as well, as in upstream
    (tensorboard issue 2483); with the series `security` a new one starts.
    """
    _, now = _show_tensorboard(session, 200)
    if now.pid != before.pid:
        raise ProbeFailure(f"the one left behind, {before}, is not reused but {now}")
    _kill_tensorboard(session.site, now)
    if has_reuse_check(session.kernel):
        again, new = _show_tensorboard(session, 200)
        if new.pid == before.pid or _is_reused(again):
            raise ProbeFailure(f"the killed one, {before}, is shown again")
        return "the one left behind is reused while it lives; killed, a new one starts"
    again, dead = _show_tensorboard(session, 500)
    if dead.pid != before.pid or not _is_reused(again):
        raise ProbeFailure(f"the killed one, {before}, was known to be reused, but {dead} is shown")
    remove_info_file(session.kernel, dead)
    _, new = _show_tensorboard(session, 200)
    if new.pid == before.pid:
        raise ProbeFailure(f"without its info file the dead one, {before}, is shown")
    return (
        "the one left behind is reused while it lives; killed, it is reused too, and its frame is "
        "a 500; without its info file a new one starts"
    )


def _show_tensorboard(
    session: NotebookSession, status: int
) -> tuple[CellExecution, TensorBoardInfo]:
    """Run the cell, and check the HTTP status of its frame.

    Returns:
        The cell's execution, and what the newest info file says.
    """
    execution = session.kernel.run_cell(session.run.show_cell, timeout=TENSORBOARD_START_TIMEOUT)
    session.client.send_request(
        expect_one_frame(execution, session.page_url).address, follow=True
    ).expect_status(status)
    return execution, read_info_files(session.kernel)[0]


def _is_reused(execution: CellExecution) -> bool:
    return any("Reusing" in text for text in list_plain_texts(execution))


def _kill_tensorboard(site: JupyterSite, left: TensorBoardInfo) -> None:
    """Kill a TensorBoard as the operating system does when it is out of memory, by SIGKILL.

    On SIGTERM, TensorBoard would remove its info file.
    """
    assert site.access is not None  # noqa: S101 - ours has one
    access = site.access
    access.run_command(["sh", "-c", f"kill -KILL {left.pid}"])

    def is_gone() -> bool | None:
        return left.port not in parse_listeners(access.run_command(_SOCKETS)[1]) or None

    if wait_for(is_gone, _STOP_TIMEOUT) is None:
        raise ProbeFailure(f"{left} still listens {_STOP_TIMEOUT:.0f} s after SIGKILL")


def _check_old_cookies(browser: JupyterClient, session: NotebookSession) -> str:
    """Send cookies of the stopped server; the Hub logs the browser in again silently."""
    port = read_info_files(session.kernel)[0].port
    response = browser.send_request(session.site.build_proxy_url(port), follow=True).expect_status(
        200
    )
    if b"<title>TensorBoard</title>" not in response.body:
        raise ProbeFailure(f"{response.url} is no TensorBoard: {response.text[:200]}")
    return f"{urlsplit(response.url).path} with cookies from before the restart: 200"


def _check_foreign_info(session: NotebookSession) -> str:
    """Check a `.tensorboard-info` directory that belongs to another user (tensorboard #2010).

    First with mode 0755, so that it is not writable; then with 0777, which TensorBoard gives it.
    """
    access = session.site.access
    assert access is not None  # noqa: S101 - ours has one
    info_directory = session.kernel.evaluate_json(_APART)
    try:
        access.run_command(["mkdir", "--mode=0755", info_directory], root=True)
        arguments = f"--logdir {LOGDIR} --window_title another"
        if has_reuse_check(session.kernel):
            _check_launch(session, arguments)
        else:
            execution = session.kernel.run_cell(
                f"%tensorboard {arguments}", timeout=TENSORBOARD_START_TIMEOUT
            )
            shown = " ".join(list_plain_texts(execution))
            if "Failed to launch TensorBoard" not in shown or "Permission denied" not in shown:
                raise ProbeFailure(
                    f"with a directory that it may not write the cell says {shown!r}"
                )
        access.run_command(["chmod", "0777", info_directory], root=True)
        _check_launch(session, arguments)
        if has_reuse_check(session.kernel):
            return "of another's with 0777 or 0755 it works"
        return "of another's with 0777 it works; with 0755 its error is shown"
    finally:
        session.kernel.run_cell(_RESTORE_TMPDIR_CODE)
        access.run_command(["rm", "-r", info_directory], root=True)


def _check_launch(session: NotebookSession, arguments: str) -> None:
    """Start a TensorBoard, check its info file and its frame, and stop it."""
    execution, info = launch_tensorboard(session, arguments)
    try:
        TensorBoardClient(
            session.client, expect_one_frame(execution, session.page_url).address
        ).send_request("/").expect_status(200)
    finally:
        stop_tensorboard(session, info)
