"""The layer `failures`: what fails is reported to the user, or fails in a known way."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.smoke.jupyter.frame import expect_one_frame, list_plain_texts
from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.jupyter.notebook import LOGDIR
from builder.smoke.jupyter.tensorboard_client import (
    TENSORBOARD_START_TIMEOUT,
    TensorBoardClient,
    has_reuse_check,
    launch_tensorboard,
    read_info_files,
    remove_info_file,
    stop_tensorboard,
)
from builder.smoke.model import ProbeFailure
from builder.smoke.probes.kernel import expect_reused
from builder.system.redact import Secret

if TYPE_CHECKING:
    from builder.smoke.jupyter.notebook_session import NotebookSession
    from builder.smoke.results.recorder import ProbeRecorder

# Puts a program named `tensorboard` first on PATH, which never reports that it is up.
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


def run_failure_probes(session: NotebookSession, recorder: ProbeRecorder) -> None:
    """Run the probes of the layer `failures`."""
    with recorder.layer("failures"):
        with recorder.probe("failures-prepared", vital=True):
            session.run_setup_cells()
            first = expect_one_frame(
                session.kernel.run_cell(session.run.show_cell, timeout=TENSORBOARD_START_TIMEOUT),
                session.page_url,
            )
        with recorder.probe("killed-reused") as set_detail:
            set_detail(_check_killed(session))
        with recorder.probe("start-fails") as set_detail:
            set_detail(_check_failed_start(session))
        with recorder.probe("start-times-out") as set_detail:
            set_detail(_check_start_timeout(session))
        with recorder.probe("binary-missing") as set_detail:
            set_detail(_check_missing_binary(session))
        with recorder.probe("slash-missing") as set_detail:
            set_detail(_check_missing_slash(session, first.address))
        if session.has_proxy_words("RemoteProxyHandler"):
            with recorder.probe("host-refused") as set_detail:
                set_detail(_check_refused_host(session))
        else:
            recorder.skip_probe(
                "host-refused", "this jupyter-server-proxy leads to no other host at all"
            )
        with recorder.probe("token-wrong") as set_detail:
            set_detail(_check_wrong_token(session, first.address))


def _check_killed(session: NotebookSession) -> str:
    """Check that a killed TensorBoard is "reused" until its info file is removed.

    That is tensorboard issue 2483. With the series `security` a new one starts at once.
    """
    arguments = f"--logdir {LOGDIR}/train --window_title killed"
    _, info = launch_tensorboard(session, arguments)
    session.kernel.evaluate_json(_KILL.replace("PID", str(info.pid)).replace("SIGNAL", "SIGKILL"))
    has_check = has_reuse_check(session.kernel)
    if not has_check:
        again = session.kernel.run_cell(
            f"%tensorboard {arguments}", timeout=TENSORBOARD_START_TIMEOUT
        )
        expect_reused(session, again, info.port)
        response = session.client.send_request(expect_one_frame(again, session.page_url).address)
        if response.status != 500:
            raise ProbeFailure(f"the proxy answers {response.status} on the dead port, not 500")
        remove_info_file(session.kernel, info)
    execution, new = launch_tensorboard(session, arguments)
    try:
        TensorBoardClient(
            session.client, expect_one_frame(execution, session.page_url).address
        ).send_request("/").expect_status(200)
    finally:
        stop_tensorboard(session, new)
    if has_check:
        remove_info_file(session.kernel, info)
        return "a new one starts in its place"
    return "the dead one is reused and is 500; without its info file a new one starts"


def _check_failed_start(session: NotebookSession) -> str:
    """Check that the cell shows TensorBoard's exit code and its stderr."""
    text = _run_for_text(session, f"--logdir {LOGDIR} --no_such_flag")
    start = "ERROR: Failed to launch TensorBoard (exited with 2).\nContents of stderr:\n"
    if not text.startswith(start) or "unrecognized arguments: --no_such_flag" not in text:
        raise ProbeFailure(f"the cell says {text!r}")
    return "exit code 2 and its usage"


def _check_start_timeout(session: NotebookSession) -> str:
    session.kernel.run_cell(_SLEEPS)
    try:
        text = _run_for_text(session, f"--logdir {LOGDIR} --window_title slow")
    finally:
        session.kernel.run_cell(_WAKES)
    match = re.fullmatch(
        r"ERROR: Timed out waiting for TensorBoard to start\. "
        r"It may still be running as pid (\d+)\.",
        text,
    )
    if match is None:
        raise ProbeFailure(f"the cell says {text!r}")
    session.kernel.evaluate_json(_KILL.replace("PID", match[1]).replace("SIGNAL", "SIGTERM"))
    return "said, with its pid"


def _check_missing_binary(session: NotebookSession) -> str:
    """Check that the cell says which program is missing.

    From 1.15.0 on `TENSORBOARD_BINARY` names the program; before, Python's own error is shown.
    """
    old = not session.kernel.evaluate_json(
        "import inspect, json\nfrom tensorboard import manager\n"
        "print(json.dumps('TENSORBOARD_BINARY' in inspect.getsource(manager)))"
    )
    name = "PATH" if old else "TENSORBOARD_BINARY"
    session.kernel.run_cell(
        f"_kept = os.environ.get({name!r})\nos.environ[{name!r}] = {_NO_BINARY!r}"
    )
    try:
        execution = session.kernel.run_cell(f"%tensorboard --logdir {LOGDIR} --window_title none")
    finally:
        session.kernel.run_cell(
            f"os.environ.pop({name!r})\nif _kept is not None:\n    os.environ[{name!r}] = _kept"
        )
    text = " ".join(" ".join([*list_plain_texts(execution), execution.error or ""]).split())
    wanted = (
        "FileNotFoundError"
        if old
        else f"ERROR: Could not find '{_NO_BINARY}' (set by the `TENSORBOARD_BINARY` environment"
    )
    if wanted not in text:
        raise ProbeFailure(f"the cell says {text!r}")
    return text[:60]


def _check_missing_slash(session: NotebookSession, address: str) -> str:
    """Show why the patch adds the last slash.

    Without it the proxy serves the page, but the page's relative requests go elsewhere.
    """
    bare = address.rstrip("/")
    page = session.client.send_request(bare)
    listing = TensorBoardClient(session.client, bare).send_request("/data/plugins_listing")
    if page.status != 200 or listing.status == 200:
        raise ProbeFailure(f"{bare} is {page.status}, and what is relative to it {listing.status}")
    return f"the page is 200, what it asks for {listing.status}"


def _check_refused_host(session: NotebookSession) -> str:
    """Check jupyter-server-proxy's `host_allowlist`: the loopback, and no other host."""
    port = read_info_files(session.kernel)[-1].port
    known = session.client.send_request(f"proxy/localhost:{port}/").expect_status(200)
    foreign = session.client.send_request(f"proxy/elsewhere.invalid:{port}/").expect_status(403)
    return f"localhost {known.status}, elsewhere.invalid {foreign.status}"


def _check_wrong_token(session: NotebookSession, address: str) -> str:
    """Check that with a wrong or expired token the frame gets a login page or a refusal."""
    stranger = JupyterClient.for_site(session.site, Secret("0" * 48))
    try:
        response = stranger.send_request(address)
    finally:
        stranger.close()
    location = urlsplit(response.headers.get("Location", "")).path
    if response.status != 403 and not (response.status == 302 and location.endswith("/login")):
        raise ProbeFailure(f"{address} answers {response.status} to a wrong token")
    return f"{response.status} {location}".strip()


def _run_for_text(session: NotebookSession, arguments: str) -> str:
    execution = session.kernel.run_cell(
        f"%tensorboard {arguments}", timeout=TENSORBOARD_START_TIMEOUT
    )
    texts = list_plain_texts(execution)
    if len(texts) != 1 or len(execution.displays) != 1:
        raise ProbeFailure(f"the cell shows {execution.displays} and says {execution.error}")
    return texts[0]
