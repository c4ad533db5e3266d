"""Check what users share who share a loopback: the port, but not the belief in info files."""

from __future__ import annotations

import json
from contextlib import contextmanager
from textwrap import dedent
from typing import TYPE_CHECKING

from builder.smoke.hub.access_attempts import expect_readable
from builder.smoke.jupyter.frame import expect_one_frame
from builder.smoke.jupyter.notebook import LOGDIR
from builder.smoke.jupyter.tensorboard_client import (
    has_reuse_check,
    launch_tensorboard,
    stop_tensorboard,
)
from builder.smoke.model import ProbeFailure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.smoke.model import ServerAccess
    from builder.smoke.probes.isolation_users import IsolationUsers
    from builder.smoke.results.recorder import ProbeRecorder

# Runs in Alice's kernel: the fields by which an info file identifies a TensorBoard with these
# arguments. Anyone can compute them, and can choose the other fields.
_FACTS = dedent("""\
    import json, os
    from tensorboard import manager, version

    _key = manager.cache_key(os.getcwd(), ARGUMENTS, {})
    print(json.dumps({"version": version.VERSION, "cache_key": _key}))""")
_KNOWN = dedent("""\
    import json
    from tensorboard import manager

    print(json.dumps([_info.port for _info in manager.get_all()]))""")
_TEMPORARY = 'tempfile.tempdir = os.environ["TMPDIR"] = PLACE'
# Runs next to Jupyter: starts a server that outlives this program, and writes an info file that
# says that the server is that TensorBoard.
_PLANT = dedent("""\
    import http.server, json, os, sys, time

    server = http.server.HTTPServer(("localhost", 0), http.server.SimpleHTTPRequestHandler)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        for stream in range(3):
            os.close(stream)
        server.serve_forever()
    facts = json.loads(sys.argv[2])
    facts.update(start_time=int(time.time()), port=server.server_port, pid=pid)
    facts.update(path_prefix="", logdir="logs", db="")
    place = os.path.join(sys.argv[1], ".tensorboard-info")
    if not os.path.isdir(place):
        os.mkdir(place)
        os.chmod(place, 0o777)  # as TensorBoard does
    with open(os.path.join(place, "pid-%d.info" % pid), "w") as file:
        json.dump(facts, file)
    print(json.dumps([pid, server.server_port]))""")
_STRANGER = 4242  # a uid that no user has


def run_shared_loopback_probes(users: IsolationUsers, recorder: ProbeRecorder) -> None:
    """Check that Bob does read it where all users share one loopback.

    That is how this spawner works, and the report says so.
    """
    with recorder.probe("shared-loopback-read") as set_detail:
        seen = users.try_with_client(users.bob.connect_by_token(), users.build_proxy_url(users.bob))
        expect_readable([("Bob's own proxy", seen)])
        set_detail(f"Bob reads it at {users.bob.server_url()}: local processes share one loopback")
    if not has_reuse_check(users.session.kernel):
        recorder.skip_probe("planted-info-ignored", "this wheel is without the series `security`")
        return
    with recorder.probe("planted-info-ignored") as set_detail:
        set_detail(_check_planted_info(users))


def _check_planted_info(users: IsolationUsers) -> str:
    """Check that an info file is not believed if another user of the machine planted it.

    It says that a server of theirs is Alice's TensorBoard. The positive control is a file of the
    same form by her own user, which is believed. With this spawner Bob runs as that user too:
    these two cannot be separated.
    """
    session, access = users.session, users.session.site.access
    assert access is not None  # noqa: S101 - ours has one
    arguments = f"--logdir {LOGDIR} --window_title planted"
    directory = f"/tmp/{session.run.directory}"  # noqa: S108 - for everybody, as /tmp is
    access.run_command(["mkdir", "--mode=1777", directory], root=True)
    session.kernel.run_cell(_TEMPORARY.replace("PLACE", repr(directory)))
    try:
        facts = session.kernel.evaluate_json(_FACTS.replace("ARGUMENTS", repr(arguments.split())))
        with _plant_info_file(access, directory, facts, None) as port:
            if port not in session.kernel.evaluate_json(_KNOWN):
                raise ProbeFailure(f"the control failed: her own user's port {port} is not known")
        with _plant_info_file(access, directory, facts, _STRANGER) as port:
            execution, info = launch_tensorboard(session, arguments)
            try:
                shown = expect_one_frame(execution, session.page_url).address
                known = session.kernel.evaluate_json(_KNOWN)
            finally:
                stop_tensorboard(session, info)
        if port in known or info.port == port or f"/{port}/" in shown:
            raise ProbeFailure(f"a stranger's port {port} is believed: {known}, {info}, {shown}")
        return f"the uid {_STRANGER}'s port {port} is not known to her; hers is {info.port}"
    finally:
        session.kernel.run_cell(_TEMPORARY.replace("PLACE", 'os.path.abspath("tmp")'))
        access.run_command(["rm", "-r", directory], root=True)


@contextmanager
def _plant_info_file(
    access: ServerAccess, place: str, facts: Mapping[str, str], uid: int | None
) -> Iterator[int]:
    """Start a server next to Jupyter, and write the info file that names it.

    Args:
        access: to Jupyter's machine or container.
        place: the temporary directory that holds `.tensorboard-info`.
        facts: the fields of the info file that identify the TensorBoard.
        uid: of the user who does it, or None for Jupyter's own.

    Yields:
        The server's port.
    """
    words = ["python3", "-c", _PLANT, place, json.dumps(facts)]
    if uid is not None:
        words = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *words]
    code, out = access.run_command(words, root=uid is not None)
    if code:
        raise ProbeFailure(f"no info file can be planted: {out}")
    pid, port = json.loads(out.splitlines()[-1])
    try:
        yield port
    finally:
        access.run_command(["kill", str(pid)], root=True)
        access.run_command(["rm", f"{place}/.tensorboard-info/pid-{pid}.info"], root=True)
