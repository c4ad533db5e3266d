"""Attempts to read a user's TensorBoard, by its owner and by other users."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import TYPE_CHECKING, NamedTuple

from builder.smoke.model import ProbeFailure
from builder.tensorboard.endpoints import PLUGIN_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.containers.container import Container
    from builder.smoke.jupyter.http_client import JupyterClient, JupyterResponse

_TITLE = b"<title>TensorBoard</title>"
# The requests below TensorBoard's address: its page, and all tags, which include the canary.
_TAGS = f"{PLUGIN_PREFIX[1:]}scalars/tags"
_PATHS = ("", _TAGS)
_DIRECT = dedent("""\
    import json, os, socket, sys, urllib.error, urllib.request

    host, port, base, tags = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def connect(where, number):
        with socket.socket() as line:
            line.settimeout(3)
            return line.connect_ex((where, number)) == 0

    def ask(headers):
        url = "http://%s:8888%sproxy/%d/%s" % (host, base, port, tags)
        try:
            with opener.open(urllib.request.Request(url, headers=headers), timeout=10) as answer:
                return [answer.status, answer.read().decode("utf-8", "replace")]
        except urllib.error.HTTPError as error:
            return [error.code, error.read().decode("utf-8", "replace")]
        except OSError as error:
            return [0, str(error)]

    print(json.dumps({
        "tensorboard": connect(host, port),
        "loopback": connect("127.0.0.1", port),
        "server": connect(host, 8888),
        "anonymous": ask({}),
        "token": ask({"Authorization": "token " + token}),
    }))""")


class UserTensorBoard(NamedTuple):
    """A user's TensorBoard.

    Attributes:
        base: the path of its owner's server, with a slash at its end.
        port: the port on which it listens, on the machine or container of that server.
        canary: a tag that only this TensorBoard has.
    """

    base: str
    port: int
    canary: str


class AttemptResult(NamedTuple):
    """Result of an attempt.

    Attributes:
        statuses: status of each response; `login` for the Hub's login form.
        content_found: for each response, whether it has anything of TensorBoard's.
    """

    statuses: tuple[str, ...]
    content_found: tuple[bool, ...]

    @property
    def is_readable(self) -> bool:
        """Whether any of the responses has anything of TensorBoard's."""
        return any(self.content_found)

    @property
    def answers(self) -> str:
        """The statuses, each once."""
        return ", ".join(sorted(set(self.statuses)))


def try_access(
    client: JupyterClient, address: str, target: UserTensorBoard, query: str = ""
) -> AttemptResult:
    """Request everything below an address that might lead to a TensorBoard.

    Args:
        client: HTTP client of the user who tries.
        address: the address, with a slash at its end.
        target: the TensorBoard to be read.
        query: appended to every address, such as `?token=x`.
    """
    responses = [client.send_request(f"{address}{path}{query}", follow=True) for path in _PATHS]
    responses.append(client.send_request(f"{address}data/logdir{query}", "{}"))
    return AttemptResult(
        tuple(map(_describe_status, responses)),
        tuple(_has_content(a, target.canary) for a in responses),
    )


def _describe_status(response: JupyterResponse) -> str:
    form = response.status == 200 and "/hub/login" in response.url
    return "login" if form else str(response.status)


def _has_content(response: JupyterResponse, canary: str) -> bool:
    """Whether it is TensorBoard's page, or has the canary or the name of the run's directory.

    The last part of the canary is in both names.
    """
    return _TITLE in response.body or canary.rpartition("-")[2].encode() in response.body


class AccessComparison(NamedTuple):
    """One way to a TensorBoard, with its result for the owner, and for another user."""

    name: str
    owner: AttemptResult
    other: AttemptResult


def expect_refused(ways: Iterable[AccessComparison]) -> str:
    """Check that no other user reads anything where the owner does; describes their responses.

    Only requests by which the owner reads something count: one that fails for everybody does not
    show that users are isolated.

    Raises:
        ProbeFailure: another user read something, or the owner did not, by one of the ways.
    """
    listed = list(ways)
    expect_readable((way.name, way.owner) for way in listed)
    readable = [way.name for way in listed if way.other.is_readable]
    if readable:
        raise ProbeFailure(f"read it: {', '.join(readable)}")
    count = sum(sum(way.owner.content_found) for way in listed)
    summary = "; ".join(f"{way.name} {way.other.answers}" for way in listed)
    return f"0 of {count} answers that she reads: {summary}"


def expect_unreadable(attempts: Iterable[tuple[str, AttemptResult]]) -> str:
    """Check that nobody, not even the owner, reads anything by these ways; describes the responses.

    Raises:
        ProbeFailure: somebody read something.
    """
    listed = list(attempts)
    readable = [what for what, seen in listed if seen.is_readable]
    if readable:
        raise ProbeFailure(f"this was no way for anybody, and leads there: {', '.join(readable)}")
    return "; ".join(f"{what} {seen.answers}" for what, seen in listed)


def expect_readable(attempts: Iterable[tuple[str, AttemptResult]]) -> None:
    """Check the positive control: each of these attempts must read something.

    Raises:
        ProbeFailure: one of them does not.
    """
    for what, seen in attempts:
        if not seen.is_readable:
            raise ProbeFailure(f"the control failed: {what} answers {seen.answers}")


class DirectAccess(NamedTuple):
    """What one container reaches of another without the Hub's proxy.

    Attributes:
        tensorboard: whether TensorBoard's port in the other container accepts a connection.
        loopback: whether the port of that number on the first container's own loopback does.
        server: whether the port of Jupyter's server in the other container does.
        statuses: statuses of that server's responses, without a token and with the first
            container's own.
        is_readable: whether one of these responses has the canary.
    """

    tensorboard: bool
    loopback: bool
    server: bool
    statuses: tuple[int, ...]
    is_readable: bool


def try_direct_access(container: Container, host: str, target: UserTensorBoard) -> DirectAccess:
    """Try from inside a container to reach the TensorBoard in another by the latter's address.

    Raises:
        ProbeFailure: the program for it failed in the container.
    """
    words = ["python3", "-c", _DIRECT, host, str(target.port), target.base, _TAGS]
    code, out = container.run_program(["timeout", "40", *words])
    if code:
        raise ProbeFailure(f"the attempt ended with exit code {code}: {out[-300:]}")
    report = json.loads(out.strip().splitlines()[-1])
    responses = (report["anonymous"], report["token"])
    return DirectAccess(
        report["tensorboard"],
        report["loopback"],
        report["server"],
        tuple(int(status) for status, _ in responses),
        any(target.canary in text for _, text in responses),
    )
