"""The layer `kernel`: run the notebook's cells one by one, and compare their output exactly.

The contract is TensorBoard's own (its design document for notebooks, and notebook.py), which
all releases keep; with the patch, the frame goes through the proxy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ada_url import URL
from packaging.version import Version

from builder.smoke.jupyter.frame import expect_one_frame, list_frames, list_plain_texts
from builder.smoke.jupyter.http_client import BarredOriginError
from builder.smoke.jupyter.tensorboard_client import (
    INFO_FILE_FIELDS,
    TENSORBOARD_START_TIMEOUT,
    TensorBoardClient,
    find_tensorboard,
    read_info_files,
)
from builder.smoke.model import PROXY_URL_VARIABLE, ProbeFailure
from builder.smoke.probes import data

if TYPE_CHECKING:
    from builder.smoke.jupyter.frame import CellFrame
    from builder.smoke.jupyter.messages import CellExecution
    from builder.smoke.jupyter.notebook_session import NotebookSession
    from builder.smoke.results.recorder import ProbeRecorder

# Seconds. A reused TensorBoard is shown within 0.1, on a busy machine later. The limit may be
# generous: what the cell shows already tells that no new one was started.
REUSE_TIME_LIMIT = 5.0
_HEIGHT = 321  # pixels, unlike the default of any release
# Measured: without a height the frame has 800 pixels, in 1.13 it has 600.
_TALLER_SINCE = Version("1.14")
_AGO = r"\d+:\d\d:\d\d ago"


def run_kernel_probes(session: NotebookSession, recorder: ProbeRecorder) -> int | None:
    """Run the probes of the layer `kernel`.

    Returns:
        The port on which TensorBoard listens, inside the deployment, or None if it never came up.
    """
    port: int | None = None
    with recorder.layer("kernel"):
        with recorder.probe("notebook-runs", vital=True) as set_detail:
            set_detail(f"{session.run_setup_cells():.1f} s")
        with recorder.probe("first-display", vital=True) as set_detail:
            first = session.kernel.run_cell(
                session.run.show_cell, timeout=TENSORBOARD_START_TIMEOUT
            )
            port = _check_first_display(session, first)
            set_detail(f"port {port}, after {first.seconds:.2f} s")
        with recorder.probe("frame-under-prefix", vital=True) as set_detail:
            set_detail(
                _check_frame_address(session, expect_one_frame(first, session.page_url), port)
            )
        _check_repeated_display(session, recorder, port)
        tensorboard = TensorBoardClient(
            session.client,
            session.site.to_direct_url(expect_one_frame(first, session.page_url).address),
        )
        data.run_data_probes(session, recorder, tensorboard)
    return port


def build_expected_address(session: NotebookSession, port: int) -> str:
    """Build the address that the deployment's frame must load.

    It is the deployment's variable, resolved against the notebook's page; jupyter-server-proxy's
    address of the port where the variable is unset.
    """
    variable = session.site.deployment.variable
    if variable is None:
        return session.site.build_proxy_url(port)
    return URL(variable.replace("%PORT%", str(port)), session.page_url).href


def _check_first_display(session: NotebookSession, execution: CellExecution) -> int:
    """Check that the cell shows what a first run shows, in that order.

    Returns:
        The port on which TensorBoard listens.
    """
    expect_one_frame(execution, session.page_url)
    if execution.message_kinds != ("display_data", "update_display_data"):
        raise ProbeFailure(
            f"the cell sends {', '.join(execution.message_kinds)}: "
            f"{execution.get_stream_text('stderr')}"
        )
    before = execution.first_displays[0].get("text/plain")
    if before != "Launching TensorBoard...":
        raise ProbeFailure(f"it says {before!r} while it starts")
    known = read_info_files(session.kernel)
    if len(known) != 1 or known[0].fields != INFO_FILE_FIELDS:
        raise ProbeFailure(f"the info files say {known}")
    return known[0].port


def _check_frame_address(session: NotebookSession, frame: CellFrame, port: int) -> str:
    wanted = build_expected_address(session, port)
    if frame.address != wanted:
        set_to = session.site.deployment.variable
        why = f"{PROXY_URL_VARIABLE} is {'unset' if set_to is None else repr(set_to)}"
        raise ProbeFailure(f"the frame loads {frame.address}, not {wanted}; {why}")
    if not frame.address.startswith(f"{session.site.origin}/"):
        raise ProbeFailure(f"the frame loads {frame.address}, past {session.site.origin}")
    return urlsplit(frame.address).path


def _check_repeated_display(session: NotebookSession, recorder: ProbeRecorder, port: int) -> None:
    """Check reuse, `notebook.list()` and `notebook.display()`."""
    with recorder.probe("reuse") as set_detail:
        again = session.kernel.run_cell(session.run.show_cell, timeout=TENSORBOARD_START_TIMEOUT)
        expect_reused(session, again, port)
        set_detail(f"{again.seconds:.2f} s")
    with recorder.probe("list"):
        execution = session.kernel.run_cell("from tensorboard import notebook\nnotebook.list()")
        known = rf"  - port {port}: logdir logs {_build_started_pattern(session, port)}\n"
        _expect_output(execution, rf"Known TensorBoard instances:\n{known}")
    with recorder.probe("display"):
        started = _build_started_pattern(session, port, port)
        chosen = rf"Selecting TensorBoard with logdir logs {started}\.\n"
        execution = session.kernel.run_cell(f"notebook.display(port={port}, height={_HEIGHT})")
        _expect_output(execution, chosen)
        _expect_frames(session, execution, port, _HEIGHT)
        execution = session.kernel.run_cell("notebook.display()")
        _expect_output(execution, chosen)
        _expect_frames(session, execution, port)
        execution = session.kernel.run_cell("notebook.display(port=1)")
        _expect_output(execution, "")
        _expect_frames(session, execution, 1)


def expect_reused(session: NotebookSession, execution: CellExecution, port: int) -> None:
    """Check that the cell shows a reused TensorBoard: at once, and without a new server.

    That is what a second run with the same arguments must show.

    Raises:
        ProbeFailure: it does not; the message says what the cell shows.
    """
    pid = find_tensorboard(session.kernel, port).pid
    wanted = (
        rf"Reusing TensorBoard on port {port} \(pid {pid}\), started {_AGO}\. "
        rf"\(Use '!kill {pid}' to kill it\.\)"
    )
    texts = list_plain_texts(execution)
    if len(texts) != 1 or not re.fullmatch(wanted, texts[0]):
        raise ProbeFailure(
            f"the cell says {texts}: {execution.error or execution.get_stream_text('stderr')}"
        )
    if execution.message_kinds != ("display_data", "update_display_data", "display_data"):
        raise ProbeFailure(f"the cell sends {', '.join(execution.message_kinds)}")
    _expect_frames(session, execution, port)
    if execution.seconds > REUSE_TIME_LIMIT:
        raise ProbeFailure(f"it took {execution.seconds:.2f} s, more than {REUSE_TIME_LIMIT} s")


def _build_started_pattern(session: NotebookSession, port: int, shown: int | None = None) -> str:
    """Build a pattern for how `notebook.list` and `notebook.display` describe a TensorBoard."""
    port_part = "" if shown is None else f"port {shown}, "
    return rf"\(started {_AGO}; {port_part}pid {find_tensorboard(session.kernel, port).pid}\)"


def _expect_output(execution: CellExecution, pattern: str) -> None:
    if execution.error is not None or not re.fullmatch(pattern, execution.get_stream_text()):
        raise ProbeFailure(
            f"it says {execution.error or execution.get_stream_text()!r}, not {pattern!r}"
        )


def _expect_frames(
    session: NotebookSession, execution: CellExecution, port: int, height: int | None = None
) -> None:
    if height is None:
        height = 600 if Version(session.run.wheel.release) < _TALLER_SINCE else 800
    found = [(f.address, f.height) for f in list_frames(execution, session.page_url)]
    wanted = [(build_expected_address(session, port), height)]
    if found != wanted:
        raise ProbeFailure(f"the frames are {found}, not {wanted}")


def run_kernel_control(session: NotebookSession, recorder: ProbeRecorder) -> None:
    """Run the layer `control`: without the patch or without the variable the proof must fail.

    It must fail by what the probe `frame-under-prefix` fails on: the frame loads TensorBoard's own
    port, `http://<the page's host>:6006/` (1.15 and later) or `http://localhost:6006/` (1.13,
    1.14). That is not Jupyter's origin, so a user who reaches only Jupyter's port never sees it.
    That TensorBoard runs is checked through the proxy, at its address there.
    """
    with recorder.layer("control"):
        with recorder.probe("control-notebook-runs", vital=True) as set_detail:
            set_detail(f"{session.run_setup_cells():.1f} s")
        with recorder.probe("control-frame", vital=True) as set_detail:
            frame = expect_one_frame(
                session.kernel.run_cell(session.run.show_cell, timeout=TENSORBOARD_START_TIMEOUT),
                session.page_url,
            )
            port = read_info_files(session.kernel)[0].port
            set_detail(_check_direct_address(session, frame, port))
        with recorder.probe("control-proof-fails") as set_detail:
            set_detail(_check_proof_fails(session, frame, port))
        with recorder.probe("control-runs") as set_detail:
            TensorBoardClient(session.client, session.site.build_proxy_url(port)).send_request(
                "/"
            ).expect_status(200)
            set_detail(f"{session.site.build_proxy_url(port)} answers 200")


def _check_direct_address(session: NotebookSession, frame: CellFrame, port: int) -> str:
    page = urlsplit(session.page_url)
    own = {f"{page.scheme}://{page.hostname}:{port}/", f"http://localhost:{port}/"}
    if frame.address not in own:
        raise ProbeFailure(f"the frame loads {frame.address}, none of {sorted(own)}")
    return f"the frame loads {frame.address}"


def _check_proof_fails(session: NotebookSession, frame: CellFrame, port: int) -> str:
    try:
        _check_frame_address(session, frame, port)
    except ProbeFailure as failure:
        reason = str(failure)
    else:
        raise ProbeFailure("the proof succeeds without what it is to prove")
    try:
        session.client.send_request(frame.address)
    except BarredOriginError:
        return reason
    raise ProbeFailure(f"{frame.address} can be asked")
