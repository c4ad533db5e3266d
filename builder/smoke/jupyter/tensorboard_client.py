"""A running TensorBoard: its info file, and its responses through Jupyter's proxy."""

from __future__ import annotations

import hashlib
import json
import time
from textwrap import dedent
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin

from builder.smoke.jupyter.frame import list_plain_texts
from builder.smoke.jupyter.kernel import CELL_TIMEOUT
from builder.smoke.model import ProbeFailure
from builder.tensorboard.responses import TensorBoardRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from builder.smoke.jupyter.http_client import JupyterClient, JupyterResponse
    from builder.smoke.jupyter.kernel import Kernel
    from builder.smoke.jupyter.messages import CellExecution
    from builder.smoke.jupyter.notebook_session import NotebookSession

# The fields of an info file, in all releases (tensorboard/manager.py).
INFO_FILE_FIELDS = frozenset(
    {"cache_key", "db", "logdir", "path_prefix", "pid", "port", "start_time", "version"}
)
_PAUSE = 0.05
# Seconds for TensorBoard to start; `%tensorboard` itself gives up after 60.
TENSORBOARD_START_TIMEOUT = 70.0

_INFOS = dedent("""\
    import glob, json, os, tempfile

    _told = {}
    for _path in glob.glob(os.path.join(tempfile.gettempdir(), ".tensorboard-info*", "*.info")):
        with open(_path) as _file:
            _info = json.load(_file)
        _told[_info["pid"]] = _info
    print(json.dumps(list(_told.values())))""")

_RUNNING_ONLY = dedent("""\
    import json
    from tensorboard import manager

    print(json.dumps(hasattr(manager, "_is_running")))""")

_BESIDE = dedent("""\
    import hashlib, http.client, json

    def _beside(port, path, body, kind):
        line = http.client.HTTPConnection("localhost", port, timeout=20)
        headers = {"Connection": "close", "Accept-Encoding": "identity"}
        if body is not None:
            headers["Content-Type"] = kind
        try:
            line.request("GET" if body is None else "POST", path, body, headers)
            answer = line.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            return [0, type(error).__name__, 0]
        finally:
            line.close()
        return [answer.status, hashlib.sha256(content).hexdigest(), len(content)]

    print(json.dumps([_beside(PORT, *_ask) for _ask in json.loads(ASKS)]))""")

# Seconds. A TensorBoard that is importing TensorFlow handles a signal only after that.
_STOP_TIMEOUT = 40
_STOP = dedent("""\
    import json, os, signal, time

    _left, _deadline = True, time.monotonic() + SECONDS
    os.kill(PID, signal.SIGTERM)
    while _left and time.monotonic() < _deadline:
        _left = os.waitpid(PID, os.WNOHANG)[0] == 0
        time.sleep(0.01)
    print(json.dumps(_left))""")

_REMOVE_INFO_FILE_CODE = dedent("""\
    import glob, os, tempfile

    for _path in glob.glob(os.path.join(tempfile.gettempdir(), ".tensorboard-info*/pid-PID.info")):
        os.unlink(_path)""")


class TensorBoardInfo(NamedTuple):
    """What an info file says of a TensorBoard; `start_time` is in seconds since 1970.

    Attributes:
        fields: the names of all fields in the file.
    """

    port: int
    pid: int
    logdir: str
    start_time: int
    fields: frozenset[str]


class ResponseDigest(NamedTuple):
    """A response in brief: status (0 for none), SHA-256 (or why there is none), length in bytes."""

    status: int
    sha256: str
    length: int


def read_info_files(kernel: Kernel) -> tuple[TensorBoardInfo, ...]:
    """Read all info files in the kernel's temporary directory, the newest TensorBoard first.

    With the series `security` they are in the user's own directory there as well.
    """
    infos = [
        TensorBoardInfo(t["port"], t["pid"], t["logdir"], t["start_time"], frozenset(t))
        for t in kernel.evaluate_json(_INFOS)
    ]
    return tuple(sorted(infos, key=lambda info: -info.start_time))


def has_reuse_check(kernel: Kernel) -> bool:
    """Whether this TensorBoard has the series `security`, which does not reuse a dead server."""
    return bool(kernel.evaluate_json(_RUNNING_ONLY))


def find_tensorboard(kernel: Kernel, port: int) -> TensorBoardInfo:
    """Find the TensorBoard on a port.

    Raises:
        ProbeFailure: no info file has that port.
    """
    infos = read_info_files(kernel)
    for info in infos:
        if info.port == port:
            return info
    raise ProbeFailure(f"no TensorBoard on port {port}, only on {[i.port for i in infos]}")


def launch_tensorboard(
    session: NotebookSession, arguments: str
) -> tuple[CellExecution, TensorBoardInfo]:
    """Run `%tensorboard` with arguments that it has not been run with.

    Returns:
        The cell that has run, and the new TensorBoard.

    Raises:
        ProbeFailure: there is not one new TensorBoard; the text says what the cell shows.
    """
    before = {info.pid for info in read_info_files(session.kernel)}
    execution = session.kernel.run_cell(
        f"%tensorboard {arguments}", timeout=TENSORBOARD_START_TIMEOUT
    )
    new = [info for info in read_info_files(session.kernel) if info.pid not in before]
    if len(new) != 1:
        output = " ".join(
            [
                *list_plain_texts(execution),
                execution.error or "",
                execution.get_stream_text("stderr"),
            ]
        ).strip()
        raise ProbeFailure(f"%tensorboard {arguments} starts {len(new)} servers and says: {output}")
    return execution, new[0]


def stop_tensorboard(session: NotebookSession, info: TensorBoardInfo) -> None:
    """Stop a TensorBoard as `!kill` does, and wait until it has ended.

    Raises:
        ProbeFailure: it does not end.
    """
    code = _STOP.replace("PID", str(info.pid)).replace("SECONDS", str(_STOP_TIMEOUT))
    if session.kernel.evaluate_json(code, timeout=_STOP_TIMEOUT + CELL_TIMEOUT):
        raise ProbeFailure(
            f"the TensorBoard with the pid {info.pid} does not end within "
            f"{_STOP_TIMEOUT} s of SIGTERM"
        )


def remove_info_file(kernel: Kernel, info: TensorBoardInfo) -> None:
    """Remove the info file of a killed TensorBoard, because of which it would be reused.

    Raises:
        ProbeFailure: it cannot be removed.
    """
    execution = kernel.run_cell(_REMOVE_INFO_FILE_CODE.replace("PID", str(info.pid)))
    if execution.error is not None:
        raise ProbeFailure(f"the info file of {info} cannot be removed: {execution.error}")


class TensorBoardClient:
    """HTTP client of a TensorBoard through Jupyter's proxy.

    Args:
        client: HTTP client of Jupyter.
        address: the address that a frame loads; all requests of TensorBoard's page are relative to
            it.
    """

    def __init__(self, client: JupyterClient, address: str) -> None:
        self.client = client
        self.address = address

    def build_url(self, path: str) -> str:
        """Build the address of one of TensorBoard's own paths, with or without its first slash."""
        return urljoin(self.address, path.lstrip("/"))

    def send_request(
        self,
        request: TensorBoardRequest | str,
        *,
        encoding: str = "identity",
        timeout: float = 20.0,
        client: JupyterClient | None = None,
    ) -> JupyterResponse:
        """Send a request to TensorBoard; see `JupyterClient.send_request`.

        Args:
            request: the request, or a path to GET.
            encoding: the header `Accept-Encoding`.
            timeout: seconds until the last byte must have arrived.
            client: another HTTP client of Jupyter to send it with.
        """
        path, body, kind = TensorBoardRequest(request) if isinstance(request, str) else request
        headers = {"Accept-Encoding": encoding} | ({} if body is None else {"Content-Type": kind})
        return (client or self.client).send_request(
            self.build_url(path), body, headers=headers, timeout=timeout
        )

    def get_json(self, path: str, body: str | None = None) -> Any:
        """Request a path, and parse the JSON of the response, whose status must be 200."""
        return self.send_request(TensorBoardRequest(path, body)).expect_status(200).parse_json()

    def get_digest(self, request: TensorBoardRequest) -> ResponseDigest:
        """Send a request, and return the response in brief."""
        response = self.send_request(request)
        return ResponseDigest(
            response.status, hashlib.sha256(response.body).hexdigest(), len(response.body)
        )

    def wait_for_json(
        self, what: str, path: str, is_expected: Callable[[Any], bool], seconds: float
    ) -> Any:
        """Repeat a request until the JSON of the response is as expected, and return that.

        Args:
            what: what is waited for, for the error message.
            path: the path to request.
            is_expected: whether the JSON is as expected.
            seconds: how long to wait.

        Raises:
            ProbeFailure: it was not as expected in that time.
        """
        deadline = time.monotonic() + seconds
        while True:
            response = self.send_request(path)
            if response.status == 200 and is_expected(response.parse_json()):
                return response.parse_json()
            if time.monotonic() > deadline:
                raise ProbeFailure(
                    f"{what} not there within {seconds:.0f} s; the last answer is"
                    f" {response.status}: {response.text[:200]}"
                )
            time.sleep(_PAUSE)


def request_from_kernel(
    session: NotebookSession, port: int, asks: Sequence[TensorBoardRequest]
) -> list[ResponseDigest]:
    """Send requests to TensorBoard from the kernel, without the proxy; the responses in brief."""
    code = _BESIDE.replace("PORT", str(port)).replace("ASKS", repr(json.dumps(asks)))
    return [ResponseDigest(*row) for row in session.kernel.evaluate_json(code, timeout=60.0)]
