"""A user of a Hub: logged in by its form, with a token and with servers of their own.

The requests are those of JupyterHub's REST API (its document "JupyterHub REST API", 6.1).
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import msgspec
import requests

from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.jupyter.login import send_form
from builder.smoke.model import LoginCredentials, ProbeFailure
from builder.system.redact import Secret
from builder.system.waiting import wait_for

if TYPE_CHECKING:
    from builder.smoke.jupyter.http_client import JupyterResponse

PASSWORD = "any"  # noqa: S105 - DummyAuthenticator takes every one
# Seconds: until a server must have started (that takes three on two idle cores; ten at once took 80
# on two busy ones), and until one must have stopped, which takes the Hub about five.
SPAWN_TIMEOUT, STOP_TIMEOUT = 240.0, 60.0


class HubUser(msgspec.Struct, frozen=True):
    """A user of a Hub.

    Attributes:
        root: the Hub's address, its prefix included, with a slash at its end.
        name: user name, as typed into the form.
        client: HTTP client of the Hub, with the session's cookies.
        token: an API token with all of the user's permissions.
    """

    root: str
    name: str
    client: JupyterClient
    token: Secret

    @classmethod
    def log_in(cls, root: str, name: str) -> Self:
        """Log in by the form, and request a token as the Hub's own page does.

        Raises:
            ProbeFailure: the login failed, or the Hub gives no token.
        """
        client = JupyterClient(f"{root}hub/")
        status = send_form(client, "login", {"username": name, "password": PASSWORD})
        home_page = client.send_request("home")
        if status != 302 or home_page.status != 200:
            raise ProbeFailure(f"the Hub's form answers {status}, its home {home_page.status}")
        return cls(root, name, client, _request_token(client, home_page, name))

    @property
    def credentials(self) -> LoginCredentials:
        """The user's credentials for the Hub's login form."""
        return LoginCredentials(f"{self.root}hub/login", self.name, PASSWORD)

    def server_url(self, server: str = "") -> str:
        """The address of one of the user's servers; of the default one without a name."""
        named = f"{escape_user_name(server)}/" if server else ""
        return f"{self.root}user/{escape_user_name(self.name)}/{named}"

    def connect_by_token(self, server: str = "") -> JupyterClient:
        """Make an HTTP client of one of the user's servers, with the token."""
        return JupyterClient(self.server_url(server), self.token)

    def connect_by_session(self, server: str = "") -> JupyterClient:
        """Make an HTTP client of one of the user's servers, with a browser's session cookies.

        Raises:
            ProbeFailure: the Hub does not redirect to that server.
        """
        client = self.client.at_address(self.server_url(server))
        client.send_request("", follow=True).expect_status(200)
        return client

    def start_server(self, server: str = "", *, seconds: float = SPAWN_TIMEOUT) -> float:
        """Start a server and follow its progress to the end.

        Returns:
            The seconds that it took.

        Raises:
            ProbeFailure: it did not start; the text has the Hub's last message about it.
        """
        began = time.monotonic()
        status = self._call_hub_api("POST", self._server_path(server)).status
        if status not in (201, 202):
            raise ProbeFailure(f"the Hub answers {status} to a start of {self.name}'s server")
        try:
            events = self._call_hub_api(
                "GET", f"{self._server_path(server)}/progress", timeout=seconds
            ).text
        except requests.Timeout as error:
            raise ProbeFailure(f"no server within {seconds:.0f} s") from error
        last = find_last_event(events)
        if not last.get("ready"):
            raise ProbeFailure(f"the server of {self.name} did not start: {last.get('message')}")
        return time.monotonic() - began

    def stop_server(self, server: str = "", *, seconds: float = STOP_TIMEOUT) -> None:
        """Stop a server and wait until the Hub reports that it is gone.

        Raises:
            ProbeFailure: it is not gone in time.
        """
        status = self._call_hub_api("DELETE", self._server_path(server), timeout=seconds).status
        if status not in (202, 204):
            raise ProbeFailure(f"the Hub answers {status} to a stop of {self.name}'s server")
        if wait_for(lambda: server not in self.list_servers() or None, seconds) is None:
            raise ProbeFailure(f"{self.name}'s server is not gone after {seconds:.0f} s")

    def list_servers(self) -> dict[str, Any]:
        """List the user's servers that run, start or stop: name → the Hub's model of it."""
        response = self._call_hub_api("GET", f"users/{escape_user_name(self.name)}").expect_status(
            200
        )
        servers: dict[str, Any] = response.parse_json()["servers"]
        return servers

    def create_token(self, seconds: int) -> Secret:
        """Request another token, which expires after so many seconds."""
        body = json.dumps({"note": "smoke", "expires_in": seconds})
        response = self._call_hub_api(
            "POST", f"users/{escape_user_name(self.name)}/tokens", body
        ).expect_status(201)
        return Secret(str(response.parse_json()["token"]))

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _server_path(self, server: str) -> str:
        which = f"servers/{escape_user_name(server)}" if server else "server"
        return f"users/{escape_user_name(self.name)}/{which}"

    def _call_hub_api(
        self, method: str, path: str, body: str | None = None, *, timeout: float = 20.0
    ) -> JupyterResponse:
        hub = JupyterClient(f"{self.root}hub/api/", self.token)
        try:
            return hub.send_request(path, body, method=method, timeout=timeout)
        finally:
            hub.close()


def escape_user_name(name: str) -> str:
    """Escape the name of a user or server for URLs.

    The rule is `url_escape_path` in jupyterhub/utils.py.
    """
    return quote(name, safe="@~")


def find_last_event(stream: str) -> dict[str, Any]:
    """Find the last event of a progress stream (WHATWG, "Server-sent events"), or an empty one."""
    events = re.findall(r"^data: *(\{.*\})\s*$", stream, re.MULTILINE)
    last: dict[str, Any] = json.loads(events[-1]) if events else {}
    return last


def _request_token(client: JupyterClient, home_page: JupyterResponse, name: str) -> Secret:
    """Request a token as the Hub's page does: with cookies, and the `_xsrf` value in the page.

    The Hub's API accepts cookies only with that value, which its pages contain for their scripts.
    """
    xsrf = re.search(r'xsrf_token: "([^"]+)"', home_page.text)
    headers = {"X-XSRFToken": xsrf[1] if xsrf else "", "Content-Type": "application/json"}
    response = client.send_request(
        f"api/users/{escape_user_name(name)}/tokens", '{"note": "smoke"}', headers=headers
    )
    return Secret(str(response.expect_status(201).parse_json()["token"]))
