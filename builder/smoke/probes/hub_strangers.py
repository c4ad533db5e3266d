"""Check the Hub's logins and tokens: who is not Alice reads nothing of hers, with any spawner."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from builder.smoke.hub.access_attempts import (
    AccessComparison,
    AttemptResult,
    expect_readable,
    expect_refused,
    expect_unreadable,
    try_access,
)
from builder.smoke.hub.configurations import TOKEN_CACHE_SECONDS
from builder.smoke.hub.hub_user import HubUser
from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.model import ProbeFailure
from builder.system.redact import Secret
from builder.system.waiting import wait_for

if TYPE_CHECKING:
    from builder.smoke.probes.isolation_users import IsolationUsers
    from builder.smoke.results.recorder import ProbeRecorder

# Seconds: the lifetime of the token that is to expire, and how much later it must be refused.
_TOKEN_LIFETIME, _EXPIRY_GRACE = 6, 20.0


def run_stranger_probes(users: IsolationUsers, recorder: ProbeRecorder) -> None:
    """Check the Hub's logins and tokens, which keep strangers out with any spawner."""
    alice, bob = users.alice, users.bob
    page = users.build_proxy_url(alice)
    with recorder.probe("owner-reads", vital=True) as set_detail:
        session = users.try_with_client(alice.connect_by_session(), page)
        redirected = users.try_with_client(alice.connect_by_session(), users.redirect_url)
        token = users.try_with_client(alice.connect_by_token(), page)
        attempts = [
            ("her session", session),
            ("her session by user-redirect", redirected),
            ("her token", token),
        ]
        expect_readable(attempts)
        set_detail("; ".join(f"{what} {seen.answers}" for what, seen in attempts))
    with recorder.probe("other-session-refused") as set_detail:
        set_detail(
            expect_refused(
                [
                    AccessComparison(
                        "his session",
                        session,
                        users.try_with_client(bob.connect_by_session(), page),
                    )
                ]
            )
        )
    with recorder.probe("other-token-refused") as set_detail:
        wrong = JupyterClient(alice.server_url(), Secret("0" * 32))
        clients = [("his token", bob.connect_by_token()), ("a wrong token", wrong)]
        set_detail(
            expect_refused(
                AccessComparison(name, token, users.try_with_client(client, page))
                for name, client in clients
            )
        )
    with recorder.probe("nobody-refused") as set_detail:
        directly = AccessComparison(
            "directly", session, users.try_with_client(_open_anonymous_client(users), page)
        )
        other = AccessComparison(
            "by user-redirect",
            redirected,
            users.try_with_client(_open_anonymous_client(users), users.redirect_url),
        )
        set_detail(expect_refused([directly, other]))
    with recorder.probe("ways-of-nobody") as set_detail:
        set_detail(_check_unusable_ways(users, page))
    with recorder.probe("expired-token-refused") as set_detail:
        set_detail(_check_expired_token(users, page, recorder))
    with recorder.probe("logged-out-refused") as set_detail:
        set_detail(_check_logged_out(users, page))
    with recorder.probe("login-not-framed") as set_detail:
        set_detail(_check_login_page(users, page))


def _open_anonymous_client(users: IsolationUsers) -> JupyterClient:
    return JupyterClient(users.hub.root)


def _check_unusable_ways(users: IsolationUsers, page: str) -> str:
    """Check that no token is accepted in an address, and none at all by the Hub's pages.

    The rules are `allow_token_in_url` in jupyterhub/services/auth.py, and `_accept_token_auth` in
    jupyterhub/handlers/base.py.
    """
    alice, bob = users.alice, users.bob
    return expect_unreadable(
        [
            (
                "her token in the address",
                users.try_with_client(
                    _open_anonymous_client(users), page, f"?token={alice.token.value}"
                ),
            ),
            (
                "his token in the address",
                users.try_with_client(
                    _open_anonymous_client(users), page, f"?token={bob.token.value}"
                ),
            ),
            (
                "her token by user-redirect",
                users.try_with_client(alice.connect_by_token(), users.redirect_url),
            ),
            (
                "his token by user-redirect",
                users.try_with_client(bob.connect_by_token(), users.redirect_url),
            ),
        ]
    )


def _check_expired_token(users: IsolationUsers, page: str, recorder: ProbeRecorder) -> str:
    """Check that an expired token is refused; the control is that it was accepted before.

    Her server has asked the Hub about the token by then, and caches the Hub's response for
    `TOKEN_CACHE_SECONDS`.
    """
    hub_user = users.alice
    token = hub_user.create_token(_TOKEN_LIFETIME)
    recorder.hide_secret(token)
    api = f"{users.hub.root}hub/api/user"

    def is_expired() -> bool | None:
        with closing(JupyterClient(api, token)) as client:
            return client.send_request(api).status == 403 or None

    def try_refused() -> AttemptResult | None:
        seen = users.try_with_client(JupyterClient(hub_user.server_url(), token), page)
        return None if seen.is_readable else seen

    before = users.try_with_client(JupyterClient(hub_user.server_url(), token), page)
    expect_readable([("her token before it expires", before)])
    if wait_for(is_expired, _TOKEN_LIFETIME + _EXPIRY_GRACE) is None:
        raise ProbeFailure(
            f"the token of {_TOKEN_LIFETIME} s lets her in at the Hub after "
            f"{_EXPIRY_GRACE:.0f} more"
        )
    after = wait_for(try_refused, TOKEN_CACHE_SECONDS + _EXPIRY_GRACE)
    if after is None:
        raise ProbeFailure(
            f"her server takes the token {TOKEN_CACHE_SECONDS + _EXPIRY_GRACE:.0f} s after the Hub"
        )
    return expect_refused(
        [
            AccessComparison(
                f"her expired token, once {TOKEN_CACHE_SECONDS} s are over", before, after
            )
        ]
    )


def _check_logged_out(users: IsolationUsers, page: str) -> str:
    """Check that a browser is refused after a logout; the control is that it was not before."""
    with (
        closing(HubUser.log_in(users.hub.root, users.alice.name)) as again,
        closing(again.connect_by_session()) as browser,
    ):
        before = try_access(browser, page, users.target)
        browser.send_request(f"{users.hub.root}hub/logout").expect_status(302)
        after = try_access(browser, page, users.target)
        return expect_refused([AccessComparison("her browser after a logout", before, after)])


def _check_login_page(users: IsolationUsers, page: str) -> str:
    """Check that the Hub's login form may not be framed.

    A frame would load it when the login has expired.
    """
    with closing(_open_anonymous_client(users)) as client:
        response = client.send_request(page, follow=True).expect_status(200)
    policy = response.headers.get("Content-Security-Policy", "")
    if "/hub/login" not in response.url or "frame-ancestors 'none'" not in policy:
        raise ProbeFailure(f"{response.url} comes with the policy {policy!r}")
    return "the frame stays blank: frame-ancestors 'none'"
