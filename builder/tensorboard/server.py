"""Run a TensorBoard server on the loopback, for as long as a block lasts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import CommandError
from builder.system import command
from builder.system.command import summarize_output
from builder.system.interruption import make_interruption_check
from builder.system.ports import find_free_port
from builder.system.virtualenvs import START_TIMEOUT
from builder.system.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from subprocess import Popen

    import requests


class TensorBoardServer(NamedTuple):
    """A running server: `http://127.0.0.1:PORT`, and its log."""

    url: str
    log: Path

    def send_request(
        self,
        path: str,
        body: str | None = None,
        body_type: str = "application/x-www-form-urlencoded",
        *,
        timeout: float = 60.0,
    ) -> requests.Response:
        """Request a path, by POST if there is a body; redirects are not followed.

        Each request has a connection of its own: old Werkzeugs close connections that are kept open
        without notice, and respond on them 40 ms later (Nagle's algorithm against delayed
        acknowledgements).

        Raises:
            requests.RequestException: there was no response.
        """
        import requests

        headers = {"Connection": "close"}
        headers |= {} if body is None else {"Content-Type": body_type}
        with requests.Session() as session:
            session.trust_env = False  # no proxy must be used on the loopback
            return session.request(
                "GET" if body is None else "POST",
                self.url + path,
                data=None if body is None else body.encode(),
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            )


@contextmanager
def run_tensorboard(
    script: Path,
    logdir: Path,
    workdir: Path,
    env: Mapping[str, str],
    flags: Sequence[str] = (),
) -> Iterator[TensorBoardServer]:
    """Start TensorBoard on a logdir, wait until it answers, and end it after the block.

    Args:
        script: the `tensorboard` command of a virtualenv.
        logdir: what it shows.
        workdir: its working directory; its log goes to `server.log` there.
        env: all its environment variables.
        flags: more flags.

    Raises:
        CommandError: it ended, or did not answer in time; the last line of its log says why.
    """
    port = find_free_port()
    argv = [str(script), "--logdir", str(logdir), "--host", "127.0.0.1", "--port", str(port)]
    log = workdir / "server.log"
    with command.run_in_background([*argv, *flags], log=log, cwd=workdir, env=env) as process:
        server = TensorBoardServer(f"http://127.0.0.1:{port}", log)
        _wait_until_up(server, process)
        yield server


def _wait_until_up(server: TensorBoardServer, process: Popen[bytes]) -> None:
    import requests

    check_interrupted = make_interruption_check()

    def is_up() -> bool | None:
        check_interrupted()
        try:
            server.send_request("/", timeout=10)
        except requests.RequestException:  # not up yet, or slow
            code = command.wait_for_exit(process, 0)
            if code is None:
                return None
            log_text = server.log.read_text(encoding="utf-8", errors="replace")
            raise CommandError(
                f"it ended with exit code {code}", summarize_output(log_text)
            ) from None
        return True

    if wait_for(is_up, START_TIMEOUT) is None:
        raise CommandError(f"it did not answer within {START_TIMEOUT:.0f} s", "look at its log")
