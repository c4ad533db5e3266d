"""Ways in: by the form of Jupyter or of its Hub, as a person, or by the site's token."""

from __future__ import annotations

import re
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from builder.smoke.jupyter.web import Web
from builder.smoke.model import ProbeFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.smoke.model import Site


def log_in(site: Site) -> Web:
    """Log in as a browser does, by the form of Jupyter or of its Hub.

    Returns:
        A way in that has cookies and no token.

    Raises:
        ProbeFailure: the form lets nobody in.
    """
    with ExitStack() as unless_in:
        web = unless_in.enter_context(closing(Web.to(site)))
        if site.person is None:
            status = send_form(web, "login", {"password": site.token})
        else:
            name, password = site.person.name, site.person.password
            status = send_form(web, site.person.login, {"username": name, "password": password})
            # The Hub hands the person on to their server (OAuth), which sets cookies of its own.
            web.ask("", follow=True)
        if status not in (200, 302) or web.ask("api/sessions").status != 200:
            raise ProbeFailure(f"the login form answers {status} and lets nobody in")
        unless_in.pop_all()
        return web


def send_form(web: Web, address: str, fields: Mapping[str, str]) -> int:
    """Fill a form in and send it with the `_xsrf` that it holds; the status of the answer.

    Raises:
        ProbeFailure: there is no form.
    """
    form = web.ask(address).expect(200)
    field = re.search(r'name="_xsrf" value="([^"]+)"', form.text)
    body = urlencode({**fields, **({"_xsrf": field[1]} if field else {})})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return web.ask(address, body, headers=kind).status


def has_form(site: Site) -> bool:
    """Whether a Jupyter has a form that takes its token.

    jupyterhub-singleuser has no `login`, or sends those who want it to the Hub.

    Raises:
        requests.RequestException: there is no whole answer.
    """
    with closing(Web.to(site)) as web:
        form = web.ask("login")
    return form.status == 200 and b'name="password"' in form.body


def entry(site: Site) -> Web:
    """The way in with the site's token.

    `user-redirect` takes no token, only the Hub's cookies: JupyterHub's pages, as opposed to its
    API, have `_accept_token_auth = False` (jupyterhub/handlers/base.py). So at a Hub the person is
    logged in as well.

    Raises:
        ProbeFailure: the form lets nobody in.
    """
    if site.person is None:
        return Web.to(site, site.token)
    with closing(log_in(site)) as person:
        return person.at(site.url, site.token)
