"""Ways to somebody's TensorBoard, as its owner goes and as another one tries to."""

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
# What is asked for below TensorBoard's address: its page, and all tags, the canary's too.
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
    """A TensorBoard of somebody.

    Attributes:
        base: the path of its owner's server, with a slash at its end.
        port: on which it listens, beside that server.
        canary: a tag that it has, and no other TensorBoard.
    """

    base: str
    port: int
    canary: str


class AttemptResult(NamedTuple):
    """What became of an attempt.

    Attributes:
        statuses: of its answers; `login` for the Hub's form.
        content_found: of each answer, whether anything of TensorBoard was in it.
    """

    statuses: tuple[str, ...]
    content_found: tuple[bool, ...]

    @property
    def is_readable(self) -> bool:
        """Whether anything of TensorBoard was in one of the answers."""
        return any(self.content_found)

    @property
    def answers(self) -> str:
        """The statuses, each once."""
        return ", ".join(sorted(set(self.statuses)))


def try_access(
    client: JupyterClient, address: str, target: UserTensorBoard, query: str = ""
) -> AttemptResult:
    """Ask for everything below an address by which somebody may hope to find that TensorBoard.

    Args:
        client: whoever asks.
        address: with a slash at its end.
        target: what is looked for.
        query: behind every address, such as `?token=x`.
    """
    answers = [client.send_request(f"{address}{path}{query}", follow=True) for path in _PATHS]
    answers.append(client.send_request(f"{address}data/logdir{query}", "{}"))
    return AttemptResult(
        tuple(map(_describe_status, answers)),
        tuple(_has_content(a, target.canary) for a in answers),
    )


def _describe_status(answer: JupyterResponse) -> str:
    form = answer.status == 200 and "/hub/login" in answer.url
    return "login" if form else str(answer.status)


def _has_content(answer: JupyterResponse, canary: str) -> bool:
    """Whether it is TensorBoard's page, or knows the canary or the directory named for it."""
    return _TITLE in answer.body or canary.rpartition("-")[2].encode() in answer.body


class AccessComparison(NamedTuple):
    """A way to a TensorBoard: what became of it for the owner, and for another one."""

    name: str
    owner: AttemptResult
    other: AttemptResult


def expect_refused(ways: Iterable[AccessComparison]) -> str:
    """Which answers others got, if none of them read anything where the owner does.

    Only those answers count from which the owner reads: what nobody is told keeps nobody apart.

    Raises:
        ProbeFailure: one of the others read something, or the owner did not, by one of the ways.
    """
    listed = list(ways)
    expect_readable((way.name, way.owner) for way in listed)
    through = [way.name for way in listed if way.other.is_readable]
    if through:
        raise ProbeFailure(f"read it: {', '.join(through)}")
    count = sum(sum(way.owner.content_found) for way in listed)
    each = "; ".join(f"{way.name} {way.other.answers}" for way in listed)
    return f"0 of {count} answers that she reads: {each}"


def expect_unreadable(attempts: Iterable[tuple[str, AttemptResult]]) -> str:
    """Which answers there are on ways that nobody may go, the owner least of all.

    Raises:
        ProbeFailure: somebody read something, so that it is a way.
    """
    listed = list(attempts)
    through = [what for what, seen in listed if seen.is_readable]
    if through:
        raise ProbeFailure(f"this was no way for anybody, and leads there: {', '.join(through)}")
    return "; ".join(f"{what} {seen.answers}" for what, seen in listed)


def expect_readable(attempts: Iterable[tuple[str, AttemptResult]]) -> None:
    """The positive control.

    Raises:
        ProbeFailure: one of those that must read it does not.
    """
    for what, seen in attempts:
        if not seen.is_readable:
            raise ProbeFailure(f"the control failed: {what} answers {seen.answers}")


class DirectAccess(NamedTuple):
    """What a container reaches of another one without the Hub's proxy.

    Attributes:
        tensorboard: whether TensorBoard's port takes a connection.
        loopback: whether that port does so on its own loopback.
        server: whether the port of the other one's server does.
        statuses: of that server's answers, without a token and with its own.
        is_readable: whether one of these answers has the canary.
    """

    tensorboard: bool
    loopback: bool
    server: bool
    statuses: tuple[int, ...]
    is_readable: bool


def try_direct_access(container: Container, host: str, target: UserTensorBoard) -> DirectAccess:
    """Try from inside a container to reach another one's TensorBoard by its address.

    Raises:
        ProbeFailure: nothing can be run there.
    """
    words = ["python3", "-c", _DIRECT, host, str(target.port), target.base, _TAGS]
    code, out = container.run_program(["timeout", "40", *words])
    if code:
        raise ProbeFailure(f"the attempt ended with exit code {code}: {out[-300:]}")
    report = json.loads(out.strip().splitlines()[-1])
    answers = (report["anonymous"], report["token"])
    return DirectAccess(
        report["tensorboard"],
        report["loopback"],
        report["server"],
        tuple(int(status) for status, _ in answers),
        any(target.canary in text for _, text in answers),
    )
