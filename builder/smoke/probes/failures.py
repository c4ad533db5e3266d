"""The layer `failures`: what goes wrong is said, or fails in the way that is known."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.smoke.jupyter.board import (
    STARTS,
    Board,
    forget,
    infos,
    launch,
    reuses_running_only,
    stop,
)
from builder.smoke.jupyter.frame import one_frame, texts
from builder.smoke.jupyter.notebook import LOGDIR
from builder.smoke.jupyter.web import Web
from builder.smoke.model import ProbeFailure
from builder.smoke.probes.kernel import reused

if TYPE_CHECKING:
    from builder.smoke.jupyter.visit import Visit
    from builder.smoke.results.recorder import Recorder

# A program named `tensorboard` that never tells that it is up, first on PATH.
_SLEEPS = dedent("""\
    import datetime, functools, os
    from tensorboard import manager

    os.makedirs("slow", exist_ok=True)
    with open("slow/tensorboard", "w") as _file:
        _file.write("#!/bin/sh\\nexec sleep 60\\n")
    os.chmod("slow/tensorboard", 0o755)
    _path, _start = os.environ["PATH"], manager.start
    os.environ["PATH"] = os.path.abspath("slow") + os.pathsep + _path
    manager.start = functools.partial(_start, timeout=datetime.timedelta(seconds=0.6))""")
_WAKES = dedent("""\
    manager.start = _start
    os.environ["PATH"] = _path""")
_KILL = dedent("""\
    import json, os, signal

    os.kill(PID, signal.SIGNAL)
    print(json.dumps(os.waitpid(PID, 0)[0]))""")
_NO_BINARY = "/nowhere/tensorboard"


def walk(visit: Visit, record: Recorder) -> None:
    """The layer `failures`."""
    with record.layer("failures"):
        with record.probe("failures-prepared", vital=True):
            visit.prepare()
            first = one_frame(visit.kernel.run(visit.run.show, timeout=STARTS), visit.page)
        with record.probe("killed-reused") as told:
            told(_killed(visit))
        with record.probe("start-fails") as told:
            told(_start_fails(visit))
        with record.probe("start-times-out") as told:
            told(_times_out(visit))
        with record.probe("binary-missing") as told:
            told(_binary_missing(visit))
        with record.probe("slash-missing") as told:
            told(_without_slash(visit, first.address))
        if visit.proxy_says("RemoteProxyHandler"):
            with record.probe("host-refused") as told:
                told(_host_refused(visit))
        else:
            record.skip("host-refused", "this jupyter-server-proxy leads to no other host at all")
        with record.probe("token-wrong") as told:
            told(_wrong_token(visit, first.address))


def _killed(visit: Visit) -> str:
    """A killed TensorBoard is "reused" (tensorboard issue 2483), unless its info file goes.

    With the series `security` a new one starts at once.
    """
    arguments = f"--logdir {LOGDIR}/train --window_title killed"
    _, info = launch(visit, arguments)
    visit.kernel.value(_KILL.replace("PID", str(info.pid)).replace("SIGNAL", "SIGKILL"))
    careful = reuses_running_only(visit.kernel)
    if not careful:
        again = visit.kernel.run(f"%tensorboard {arguments}", timeout=STARTS)
        reused(visit, again, info.port)
        answer = visit.web.ask(one_frame(again, visit.page).address)
        if answer.status != 500:
            raise ProbeFailure(f"the proxy answers {answer.status} on the dead port, not 500")
        forget(visit.kernel, info)
    done, new = launch(visit, arguments)
    try:
        Board(visit.web, one_frame(done, visit.page).address).ask("/").expect(200)
    finally:
        stop(visit, new)
    if careful:
        forget(visit.kernel, info)
        return "a new one starts in its place"
    return "the dead one is reused and is 500; without its info file a new one starts"


def _start_fails(visit: Visit) -> str:
    """Its exit code and what it wrote are shown."""
    said = _said(visit, f"--logdir {LOGDIR} --no_such_flag")
    begins = "ERROR: Failed to launch TensorBoard (exited with 2).\nContents of stderr:\n"
    if not said.startswith(begins) or "unrecognized arguments: --no_such_flag" not in said:
        raise ProbeFailure(f"the cell says {said!r}")
    return "exit code 2 and its usage"


def _times_out(visit: Visit) -> str:
    visit.kernel.run(_SLEEPS)
    try:
        said = _said(visit, f"--logdir {LOGDIR} --window_title slow")
    finally:
        visit.kernel.run(_WAKES)
    match = re.fullmatch(
        r"ERROR: Timed out waiting for TensorBoard to start\. "
        r"It may still be running as pid (\d+)\.",
        said,
    )
    if match is None:
        raise ProbeFailure(f"the cell says {said!r}")
    visit.kernel.value(_KILL.replace("PID", match[1]).replace("SIGNAL", "SIGTERM"))
    return "said, with its pid"


def _binary_missing(visit: Visit) -> str:
    """From 1.15.0 on `TENSORBOARD_BINARY` says which; before, Python's own error is shown."""
    old = not visit.kernel.value(
        "import inspect, json\nfrom tensorboard import manager\n"
        "print(json.dumps('TENSORBOARD_BINARY' in inspect.getsource(manager)))"
    )
    name = "PATH" if old else "TENSORBOARD_BINARY"
    visit.kernel.run(f"_kept = os.environ.get({name!r})\nos.environ[{name!r}] = {_NO_BINARY!r}")
    try:
        done = visit.kernel.run(f"%tensorboard --logdir {LOGDIR} --window_title none")
    finally:
        visit.kernel.run(
            f"os.environ.pop({name!r})\nif _kept is not None:\n    os.environ[{name!r}] = _kept"
        )
    said = " ".join(" ".join([*texts(done), done.error or ""]).split())
    wanted = (
        "FileNotFoundError"
        if old
        else f"ERROR: Could not find '{_NO_BINARY}' (set by the `TENSORBOARD_BINARY` environment"
    )
    if wanted not in said:
        raise ProbeFailure(f"the cell says {said!r}")
    return said[:60]


def _without_slash(visit: Visit, address: str) -> str:
    """Why the patch adds it: the proxy gives the page, and what that asks for is elsewhere."""
    bare = address.rstrip("/")
    page = visit.web.ask(bare)
    listing = Board(visit.web, bare).ask("/data/plugins_listing")
    if page.status != 200 or listing.status == 200:
        raise ProbeFailure(f"{bare} is {page.status}, and what is relative to it {listing.status}")
    return f"the page is 200, what it asks for {listing.status}"


def _host_refused(visit: Visit) -> str:
    """jupyter-server-proxy's `host_allowlist`: the loopback, and no other host."""
    port = infos(visit.kernel)[-1].port
    known = visit.web.ask(f"proxy/localhost:{port}/").expect(200)
    strange = visit.web.ask(f"proxy/elsewhere.invalid:{port}/").expect(403)
    return f"localhost {known.status}, elsewhere.invalid {strange.status}"


def _wrong_token(visit: Visit, address: str) -> str:
    """A wrong or expired token reaches nothing: the frame shows a login, or is refused."""
    stranger = Web.to(visit.site, "0" * 48)
    try:
        answer = stranger.ask(address)
    finally:
        stranger.close()
    to = urlsplit(answer.headers.get("Location", "")).path
    if answer.status != 403 and not (answer.status == 302 and to.endswith("/login")):
        raise ProbeFailure(f"{address} answers {answer.status} to a wrong token")
    return f"{answer.status} {to}".strip()


def _said(visit: Visit, arguments: str) -> str:
    done = visit.kernel.run(f"%tensorboard {arguments}", timeout=STARTS)
    said = texts(done)
    if len(said) != 1 or len(done.shown) != 1:
        raise ProbeFailure(f"the cell shows {done.shown} and says {done.error}")
    return said[0]
