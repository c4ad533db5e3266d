"""Waiting until a server that we started answers, and what to tell if it never does."""

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
    """Ask until there is a good answer.

    Args:
        name: of the server, for people.
        url: what to ask for.
        seconds: when to give up.
        ended: its exit code, or None while it runs.
        log: what it has written.
        token: to ask with, where one is needed.

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
            session.trust_env = False  # a proxy has no business on the way to a server of ours
            return session.get(url, timeout=5, headers=headers).ok
    except requests.RequestException:
        return False
