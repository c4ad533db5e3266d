"""The layer `kernel`: the notebook's cells run one by one, and what they show is exact.

The contract is TensorBoard's own (its design document for notebooks, and notebook.py), which all
releases keep; with the patch, the frame goes through the proxy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ada_url import URL
from packaging.version import Version

from builder.smoke.jupyter.board import FIELDS, STARTS, Board, info_at, infos
from builder.smoke.jupyter.frame import frames, one_frame, texts
from builder.smoke.jupyter.web import BarredOriginError
from builder.smoke.model import VARIABLE, ProbeFailure
from builder.smoke.probes import data

if TYPE_CHECKING:
    from builder.smoke.jupyter.frame import Frame
    from builder.smoke.jupyter.messages import Execution
    from builder.smoke.jupyter.visit import Visit
    from builder.smoke.results.recorder import Recorder

# Seconds. A reused TensorBoard is shown within 0.1, on a busy machine later, which says nothing:
# that none is started is seen by what the cell shows.
AT_ONCE = 5.0
_HEIGHT = 321
# Measured: without a height the frame has 800 pixels, in 1.13 it has 600.
_TALLER_SINCE = Version("1.14")
_AGO = r"\d+:\d\d:\d\d ago"


def walk(visit: Visit, record: Recorder) -> int | None:
    """The layer `kernel`.

    Returns:
        The port on which TensorBoard listens, beside Jupyter, or None if it never came up.
    """
    port: int | None = None
    with record.layer("kernel"):
        with record.probe("notebook-runs", vital=True) as told:
            told(f"{visit.prepare():.1f} s")
        with record.probe("first-display", vital=True) as told:
            first = visit.kernel.run(visit.run.show, timeout=STARTS)
            port = _first(visit, first)
            told(f"port {port}, after {first.seconds:.2f} s")
        with record.probe("frame-under-prefix", vital=True) as told:
            told(_under_prefix(visit, one_frame(first, visit.page), port))
        _shows_again(visit, record, port)
        board = Board(visit.web, visit.site.behind(one_frame(first, visit.page).address))
        data.walk(visit, record, board)
    return port


def expected_address(visit: Visit, port: int) -> str:
    """What the deployment's frame is to load: its variable, relative to the notebook's page."""
    variable = visit.site.deployment.variable
    if variable is None:
        return visit.site.proxied(port)
    return URL(variable.replace("%PORT%", str(port)), visit.page).href


def _first(visit: Visit, done: Execution) -> int:
    """The port, if the cell shows what a first run shows, in that order."""
    one_frame(done, visit.page)
    if done.outline != ("display_data", "update_display_data"):
        raise ProbeFailure(f"the cell sends {', '.join(done.outline)}: {done.text('stderr')}")
    before = done.first_shown[0].get("text/plain")
    if before != "Launching TensorBoard...":
        raise ProbeFailure(f"it says {before!r} while it starts")
    known = infos(visit.kernel)
    if len(known) != 1 or known[0].fields != FIELDS:
        raise ProbeFailure(f"the info files say {known}")
    return known[0].port


def _under_prefix(visit: Visit, frame: Frame, port: int) -> str:
    wanted = expected_address(visit, port)
    if frame.address != wanted:
        set_to = visit.site.deployment.variable
        why = f"{VARIABLE} is {'unset' if set_to is None else repr(set_to)}"
        raise ProbeFailure(f"the frame loads {frame.address}, not {wanted}; {why}")
    if not frame.address.startswith(f"{visit.site.origin}/"):
        raise ProbeFailure(f"the frame loads {frame.address}, past {visit.site.origin}")
    return urlsplit(frame.address).path


def _shows_again(visit: Visit, record: Recorder, port: int) -> None:
    """Reuse, `list()` and `display()`."""
    with record.probe("reuse") as told:
        again = visit.kernel.run(visit.run.show, timeout=STARTS)
        reused(visit, again, port)
        told(f"{again.seconds:.2f} s")
    with record.probe("list"):
        done = visit.kernel.run("from tensorboard import notebook\nnotebook.list()")
        known = rf"  - port {port}: logdir logs {_started(visit, port)}\n"
        _says(done, rf"Known TensorBoard instances:\n{known}")
    with record.probe("display"):
        chosen = rf"Selecting TensorBoard with logdir logs {_started(visit, port, port)}\.\n"
        done = visit.kernel.run(f"notebook.display(port={port}, height={_HEIGHT})")
        _says(done, chosen)
        _frames(visit, done, port, _HEIGHT)
        done = visit.kernel.run("notebook.display()")
        _says(done, chosen)
        _frames(visit, done, port)
        done = visit.kernel.run("notebook.display(port=1)")
        _says(done, "")
        _frames(visit, done, 1)


def reused(visit: Visit, done: Execution, port: int) -> None:
    """Whether the cell shows what a run with the same arguments shows: at once, and no new server.

    Raises:
        ProbeFailure: it does not; what it shows is told.
    """
    pid = info_at(visit.kernel, port).pid
    wanted = (
        rf"Reusing TensorBoard on port {port} \(pid {pid}\), started {_AGO}\. "
        rf"\(Use '!kill {pid}' to kill it\.\)"
    )
    said = texts(done)
    if len(said) != 1 or not re.fullmatch(wanted, said[0]):
        raise ProbeFailure(f"the cell says {said}: {done.error or done.text('stderr')}")
    if done.outline != ("display_data", "update_display_data", "display_data"):
        raise ProbeFailure(f"the cell sends {', '.join(done.outline)}")
    _frames(visit, done, port)
    if done.seconds > AT_ONCE:
        raise ProbeFailure(f"it took {done.seconds:.2f} s, more than {AT_ONCE} s")


def _started(visit: Visit, port: int, shown: int | None = None) -> str:
    """How `notebook.list` and `notebook.display` tell of a TensorBoard, as a pattern."""
    where = "" if shown is None else f"port {shown}, "
    return rf"\(started {_AGO}; {where}pid {info_at(visit.kernel, port).pid}\)"


def _says(done: Execution, pattern: str) -> None:
    if done.error is not None or not re.fullmatch(pattern, done.text()):
        raise ProbeFailure(f"it says {done.error or done.text()!r}, not {pattern!r}")


def _frames(visit: Visit, done: Execution, port: int, height: int | None = None) -> None:
    if height is None:
        height = 600 if Version(visit.run.release) < _TALLER_SINCE else 800
    found = [(f.address, f.height) for f in frames(done, visit.page)]
    wanted = [(expected_address(visit, port), height)]
    if found != wanted:
        raise ProbeFailure(f"the frames are {found}, not {wanted}")


def control(visit: Visit, record: Recorder) -> None:
    """The layer `control`: without the patch or without the variable the proof must fail.

    What is to be seen is what the probe `frame-under-prefix` fails on: the frame loads
    TensorBoard's own port, `http://<the page's host>:6006/` (1.15 and later) or
    `http://localhost:6006/` (1.13, 1.14). That is not Jupyter's origin, so one who reaches
    Jupyter's port only never sees it; that it runs is seen through the proxy, by its address there.
    """
    with record.layer("control"):
        with record.probe("control-notebook-runs", vital=True) as told:
            told(f"{visit.prepare():.1f} s")
        with record.probe("control-frame", vital=True) as told:
            frame = one_frame(visit.kernel.run(visit.run.show, timeout=STARTS), visit.page)
            port = infos(visit.kernel)[0].port
            told(_past_jupyter(visit, frame, port))
        with record.probe("control-proof-fails") as told:
            told(_proof_fails(visit, frame, port))
        with record.probe("control-runs") as told:
            Board(visit.web, visit.site.proxied(port)).ask("/").expect(200)
            told(f"{visit.site.proxied(port)} answers 200")


def _past_jupyter(visit: Visit, frame: Frame, port: int) -> str:
    page = urlsplit(visit.page)
    own = {f"{page.scheme}://{page.hostname}:{port}/", f"http://localhost:{port}/"}
    if frame.address not in own:
        raise ProbeFailure(f"the frame loads {frame.address}, none of {sorted(own)}")
    return f"the frame loads {frame.address}"


def _proof_fails(visit: Visit, frame: Frame, port: int) -> str:
    try:
        _under_prefix(visit, frame, port)
    except ProbeFailure as failure:
        reason = str(failure)
    else:
        raise ProbeFailure("the proof succeeds without what it is to prove")
    try:
        visit.web.ask(frame.address)
    except BarredOriginError:
        return reason
    raise ProbeFailure(f"{frame.address} can be asked")
