"""Wait until a server that we started answers, and report why if it never does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.errors import SmokeError
from builder.smoke.results.failure_report import quote_log_end
from builder.system.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.system.redact import Secret


def wait_until_up(
    name: str,
    url: str,
    seconds: float,
    *,
    ended: Callable[[], int | None],
    log: Callable[[], str],
    token: Secret | None = None,
) -> None:
    """Poll a server until it answers without an error.

    Args:
        name: the server's name, for messages.
        url: the URL to request.
        seconds: how long to wait.
        ended: returns the server's exit code, or None while it runs.
        log: returns the server's log so far.
        token: sent with the requests, if they need one.

    Raises:
        SmokeError: it ended, or took too long; the last lines of its log are in the hint.
    """

    def check_server() -> bool | None:
        if _is_answering(url, token):
            return True
        code = ended()
        if code is not None:
            raise SmokeError(f"{name} ended with exit code {code}", quote_log_end(log()))
        return None

    if wait_for(check_server, seconds) is None:
        raise SmokeError(f"{name} did not answer within {seconds:.0f} s", quote_log_end(log()))


def _is_answering(url: str, token: Secret | None) -> bool:
    import requests

    headers = {} if token is None else {"Authorization": f"token {token.value}"}
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy between us and our own server
            return session.get(url, timeout=5, headers=headers).ok
    except requests.RequestException:
        return False
