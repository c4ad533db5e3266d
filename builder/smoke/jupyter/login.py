"""Log in to a site: by the form of Jupyter or of its Hub, as a user does, or by its token."""

from __future__ import annotations

import re
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.model import ProbeFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.smoke.model import JupyterSite


def log_in(site: JupyterSite) -> JupyterClient:
    """Log in as a browser does, by the form of Jupyter or of its Hub.

    Returns:
        A client that has cookies and no token.

    Raises:
        ProbeFailure: the login failed.
    """
    with ExitStack() as cleanup:
        client = cleanup.enter_context(closing(JupyterClient.for_site(site)))
        if site.credentials is None:
            status = send_form(client, "login", {"password": site.token.value})
        else:
            name, password = site.credentials.name, site.credentials.password
            status = send_form(
                client, site.credentials.login_url, {"username": name, "password": password}
            )
            # The Hub redirects the user to their server (OAuth), which sets cookies of its own.
            client.send_request("", follow=True)
        if status not in (200, 302) or client.send_request("api/sessions").status != 200:
            raise ProbeFailure(f"the login form answers {status} and lets nobody in")
        cleanup.pop_all()
        return client


def send_form(client: JupyterClient, address: str, fields: Mapping[str, str]) -> int:
    """Submit a form with the `_xsrf` value in it; returns the status of the response.

    Raises:
        ProbeFailure: there is no form.
    """
    form = client.send_request(address).expect_status(200)
    field = re.search(r'name="_xsrf" value="([^"]+)"', form.text)
    body = urlencode({**fields, **({"_xsrf": field[1]} if field else {})})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return client.send_request(address, body, headers=headers).status


def has_form(site: JupyterSite) -> bool:
    """Whether a Jupyter has a login form that takes its token.

    jupyterhub-singleuser has no `login` page, or one that redirects to the Hub.

    Raises:
        requests.RequestException: there is no complete response.
    """
    with closing(JupyterClient.for_site(site)) as client:
        form = client.send_request("login")
    return form.status == 200 and b'name="password"' in form.body


def open_client(site: JupyterSite) -> JupyterClient:
    """Open a client of a site, with its token.

    `user-redirect` takes no token, only the Hub's cookies: JupyterHub's pages, as opposed to its
    API, have `_accept_token_auth = False` (jupyterhub/handlers/base.py). So on a Hub the user is
    logged in as well.

    Raises:
        ProbeFailure: the login failed.
    """
    if site.credentials is None:
        return JupyterClient.for_site(site, site.token)
    with closing(log_in(site)) as user_client:
        return user_client.at_address(site.url, site.token)
