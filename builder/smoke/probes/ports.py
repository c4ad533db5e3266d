"""The layer `ports`: TensorBoard moves out of the way, and the frame follows it."""

from __future__ import annotations

from contextlib import contextmanager
from textwrap import dedent
from typing import TYPE_CHECKING

from builder.smoke.jupyter.board import STARTS, Board, infos, launch, stop
from builder.smoke.jupyter.frame import one_frame, texts
from builder.smoke.jupyter.notebook import LOGDIR
from builder.smoke.model import ProbeFailure
from builder.smoke.probes.kernel import expected_address, reused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.smoke.jupyter.board import Info
    from builder.smoke.jupyter.messages import Execution
    from builder.smoke.jupyter.visit import Visit
    from builder.smoke.results.recorder import Recorder

# Where TensorBoard looks for a port if it is given none: from 6006 on, ten times.
_FIRST, _TRIES = 6006, 10

# On the port where TensorBoard would go next there is something else, which listens; the loopback
# may be shared, so that port need not be the first one.
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


def walk(visit: Visit, record: Recorder) -> None:
    """The layer `ports`; the notebook's own TensorBoard stays, the others end."""
    with record.layer("ports"):
        with record.probe("ports-prepared", vital=True):
            visit.prepare()
            one_frame(visit.kernel.run(visit.run.show, timeout=STARTS), visit.page)
        first = infos(visit.kernel)[-1]
        with record.probe("two-logdirs") as told:
            told(_two_logdirs(visit, first))
        with record.probe("port-taken") as told, _taken(visit) as (other, then):
            told(_moves_on(visit, other, then))
        with record.probe("explicit-port") as told:
            told(_explicit(visit))
        with record.probe("explicit-port-busy") as told:
            told(_busy(visit, first))


def free_port(visit: Visit) -> int:
    """A port beside Jupyter on which nobody listens."""
    return int(visit.kernel.value(_FREE))


@contextmanager
def _taken(visit: Visit) -> Iterator[tuple[int, int]]:
    """Something else listens where TensorBoard would go; that port, and the one to go to then."""
    ports = list(range(_FIRST, _FIRST + _TRIES))
    found = visit.kernel.value(_OCCUPY.replace("PORTS", repr(ports)))
    try:
        if len(found) < 2:
            raise ProbeFailure(f"fewer than two of the ports {ports[0]}-{ports[-1]} are free")
        yield found[0], found[1]
    finally:
        visit.kernel.run(_LEAVE)


def _moves_on(visit: Visit, other: int, then: int) -> str:
    done, info = launch(visit, f"--logdir {LOGDIR} --window_title moved")
    try:
        if info.port != then:
            raise ProbeFailure(f"with {other} taken it listens on {info.port}, not on {then}")
        _shows(visit, done, info, LOGDIR)
        return f"{other} is taken: {info.port}, and the frame there"
    finally:
        stop(visit, info)


def _explicit(visit: Visit) -> str:
    wanted = free_port(visit)
    done, info = launch(visit, f"--logdir {LOGDIR} --port {wanted}")
    try:
        if info.port != wanted:
            raise ProbeFailure(f"--port {wanted} listens on {info.port}")
        _shows(visit, done, info, LOGDIR)
        return f"--port {wanted}"
    finally:
        stop(visit, info)


def _busy(visit: Visit, first: Info) -> str:
    """TensorBoard's own words, below the cell, and no frame."""
    arguments = f"--logdir {LOGDIR} --port {first.port} --window_title busy"
    said = texts(visit.kernel.run(f"%tensorboard {arguments}", timeout=STARTS))
    begins = "ERROR: Failed to launch TensorBoard (exited with 255)."
    why = f"TensorBoard could not bind to port {first.port}, it was already in use"
    if len(said) != 1 or not said[0].startswith(begins) or why not in said[0]:
        raise ProbeFailure(f"the cell says {said}, not {begins!r} and {why!r}")
    return why


def _two_logdirs(visit: Visit, first: Info) -> str:
    other = f"{LOGDIR}/train"
    done, second = launch(visit, f"--logdir {other}")
    try:
        if second.port == first.port:
            raise ProbeFailure(f"both listen on {first.port}")
        _shows(visit, done, second, other)
        reused(visit, visit.kernel.run(f"%tensorboard --logdir {other}"), second.port)
        reused(visit, visit.kernel.run(visit.run.show), first.port)
        return f"ports {first.port} and {second.port}, each reused by its own arguments"
    finally:
        stop(visit, second)


def _shows(visit: Visit, done: Execution, info: Info, logdir: str) -> None:
    """The frame leads to that TensorBoard, by its logdir."""
    frame = one_frame(done, visit.page)
    wanted = expected_address(visit, info.port)
    if frame.address != wanted:
        raise ProbeFailure(f"the frame loads {frame.address}, not {wanted}")
    seen = Board(visit.web, visit.site.behind(frame.address)).json("/data/logdir")["logdir"]
    if seen != logdir:
        raise ProbeFailure(f"the frame shows the logdir {seen}, not {logdir}")
