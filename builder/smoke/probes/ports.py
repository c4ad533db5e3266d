"""The layer `ports`: TensorBoard takes another port if one is busy, and the frame follows."""

from __future__ import annotations

from contextlib import contextmanager
from textwrap import dedent
from typing import TYPE_CHECKING

from builder.smoke.jupyter.frame import expect_one_frame, list_plain_texts
from builder.smoke.jupyter.notebook import LOGDIR
from builder.smoke.jupyter.tensorboard_client import (
    TENSORBOARD_START_TIMEOUT,
    TensorBoardClient,
    launch_tensorboard,
    read_info_files,
    stop_tensorboard,
)
from builder.smoke.model import ProbeFailure
from builder.smoke.probes.kernel import build_expected_address, expect_reused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.smoke.jupyter.messages import CellExecution
    from builder.smoke.jupyter.notebook_session import NotebookSession
    from builder.smoke.jupyter.tensorboard_client import TensorBoardInfo
    from builder.smoke.results.recorder import ProbeRecorder

# The ports that TensorBoard tries if it is given none: ten, from 6006 on.
_FIRST_PORT, _MAX_PORTS = 6006, 10

# Listens on the port that TensorBoard would take next, and prints it and the free one after it. The
# loopback may be shared, so that port need not be the first one.
_OCCUPY = dedent("""\
    import json, socket

    def _occupied(port):
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as TensorBoard does
        try:
            line.bind(("127.0.0.1", port))
            line.listen()
        except OSError:
            line.close()
            return None
        return line

    _next = iter(PORTS)
    _other = next(filter(None, map(_occupied, _next)), None)
    _then = next(filter(None, map(_occupied, _next)), None)
    _ports = [_l.getsockname()[1] for _l in (_other, _then) if _l]
    if _then:
        _then.close()
    print(json.dumps(_ports))""")
_LEAVE = "_other.close()"

_FREE = dedent("""\
    import json, socket

    with socket.socket() as _line:
        _line.bind(("127.0.0.1", 0))
        print(json.dumps(_line.getsockname()[1]))""")


def run_port_probes(session: NotebookSession, recorder: ProbeRecorder) -> None:
    """Run the probes of the layer `ports`; only the notebook's own TensorBoard is left running."""
    with recorder.layer("ports"):
        with recorder.probe("ports-prepared", vital=True):
            session.run_setup_cells()
            expect_one_frame(
                session.kernel.run_cell(session.run.show_cell, timeout=TENSORBOARD_START_TIMEOUT),
                session.page_url,
            )
        first = read_info_files(session.kernel)[-1]
        with recorder.probe("two-logdirs") as set_detail:
            set_detail(_check_two_logdirs(session, first))
        with recorder.probe("port-taken") as set_detail, _occupy_port(session) as (other, then):
            set_detail(_check_moved_port(session, other, then))
        with recorder.probe("explicit-port") as set_detail:
            set_detail(_check_explicit_port(session))
        with recorder.probe("explicit-port-busy") as set_detail:
            set_detail(_check_busy_port(session, first))


def find_port_from_kernel(session: NotebookSession) -> int:
    """Find a port on Jupyter's loopback on which nothing listens."""
    return int(session.kernel.evaluate_json(_FREE))


@contextmanager
def _occupy_port(session: NotebookSession) -> Iterator[tuple[int, int]]:
    """Listen on the port that TensorBoard would take.

    Yields:
        That port, and the one that TensorBoard must take then.

    Raises:
        ProbeFailure: fewer than two of the ports that TensorBoard tries are free.
    """
    ports = list(range(_FIRST_PORT, _FIRST_PORT + _MAX_PORTS))
    found = session.kernel.evaluate_json(_OCCUPY.replace("PORTS", repr(ports)))
    try:
        if len(found) < 2:
            raise ProbeFailure(f"fewer than two of the ports {ports[0]}-{ports[-1]} are free")
        yield found[0], found[1]
    finally:
        session.kernel.run_cell(_LEAVE)


def _check_moved_port(session: NotebookSession, other: int, then: int) -> str:
    execution, info = launch_tensorboard(session, f"--logdir {LOGDIR} --window_title moved")
    try:
        if info.port != then:
            raise ProbeFailure(f"with {other} taken it listens on {info.port}, not on {then}")
        _expect_frame(session, execution, info, LOGDIR)
        return f"{other} is taken: {info.port}, and the frame there"
    finally:
        stop_tensorboard(session, info)


def _check_explicit_port(session: NotebookSession) -> str:
    wanted = find_port_from_kernel(session)
    execution, info = launch_tensorboard(session, f"--logdir {LOGDIR} --port {wanted}")
    try:
        if info.port != wanted:
            raise ProbeFailure(f"--port {wanted} listens on {info.port}")
        _expect_frame(session, execution, info, LOGDIR)
        return f"--port {wanted}"
    finally:
        stop_tensorboard(session, info)


def _check_busy_port(session: NotebookSession, first: TensorBoardInfo) -> str:
    """Check that the cell shows TensorBoard's own error, and no frame."""
    arguments = f"--logdir {LOGDIR} --port {first.port} --window_title busy"
    texts = list_plain_texts(
        session.kernel.run_cell(f"%tensorboard {arguments}", timeout=TENSORBOARD_START_TIMEOUT)
    )
    start = "ERROR: Failed to launch TensorBoard (exited with 255)."
    reason = f"TensorBoard could not bind to port {first.port}, it was already in use"
    if len(texts) != 1 or not texts[0].startswith(start) or reason not in texts[0]:
        raise ProbeFailure(f"the cell says {texts}, not {start!r} and {reason!r}")
    return reason


def _check_two_logdirs(session: NotebookSession, first: TensorBoardInfo) -> str:
    other = f"{LOGDIR}/train"
    execution, second = launch_tensorboard(session, f"--logdir {other}")
    try:
        if second.port == first.port:
            raise ProbeFailure(f"both listen on {first.port}")
        _expect_frame(session, execution, second, other)
        expect_reused(
            session, session.kernel.run_cell(f"%tensorboard --logdir {other}"), second.port
        )
        expect_reused(session, session.kernel.run_cell(session.run.show_cell), first.port)
        return f"ports {first.port} and {second.port}, each reused by its own arguments"
    finally:
        stop_tensorboard(session, second)


def _expect_frame(
    session: NotebookSession, execution: CellExecution, info: TensorBoardInfo, logdir: str
) -> None:
    """Check that the frame shows that TensorBoard, which is recognised by its logdir."""
    frame = expect_one_frame(execution, session.page_url)
    wanted = build_expected_address(session, info.port)
    if frame.address != wanted:
        raise ProbeFailure(f"the frame loads {frame.address}, not {wanted}")
    seen = TensorBoardClient(session.client, session.site.to_direct_url(frame.address)).get_json(
        "/data/logdir"
    )["logdir"]
    if seen != logdir:
        raise ProbeFailure(f"the frame shows the logdir {seen}, not {logdir}")
