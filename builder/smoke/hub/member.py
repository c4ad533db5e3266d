"""Somebody at a Hub: logged in by its form, with a token and with servers of their own.

What is asked for is JupyterHub's REST API (its document "JupyterHub REST API", 6.1).
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import requests

from builder.smoke.jupyter.login import send_form
from builder.smoke.jupyter.web import Web
from builder.smoke.model import Person, ProbeFailure
from builder.system.waiting import wait_for

if TYPE_CHECKING:
    from builder.smoke.jupyter.web import Answer

PASSWORD = "any"  # noqa: S105 - DummyAuthenticator takes every one
# Seconds: until a server must be there (three on two idle cores; ten at once took 80 on two busy
# ones), and until one must be gone, which takes the Hub about five.
SPAWN, STOP = 240.0, 60.0


@dataclass(frozen=True, slots=True)
class Member:
    """A user of a Hub.

    Attributes:
        root: the Hub's address, its prefix included, with a slash at its end.
        name: as they type it.
        web: the way to the Hub with the session's cookies.
        token: an API token with all that they may do.
    """

    root: str
    name: str
    web: Web
    token: str = field(repr=False)

    @classmethod
    def log_in(cls, root: str, name: str) -> Self:
        """Log in by the form, and ask for a token as the Hub's own page does.

        Raises:
            ProbeFailure: the Hub lets nobody in, or gives no token.
        """
        web = Web(f"{root}hub/")
        status = send_form(web, "login", {"username": name, "password": PASSWORD})
        home = web.ask("home")
        if status != 302 or home.status != 200:
            raise ProbeFailure(f"the Hub's form answers {status}, its home {home.status}")
        return cls(root, name, web, _token(web, home, name))

    @property
    def person(self) -> Person:
        """What they type, and where."""
        return Person(f"{self.root}hub/login", self.name, PASSWORD)

    def url(self, server: str = "") -> str:
        """The address of one of their servers; of the default one without a name."""
        named = f"{escaped(server)}/" if server else ""
        return f"{self.root}user/{escaped(self.name)}/{named}"

    def server(self, server: str = "") -> Web:
        """The way to one of their servers, with the token."""
        return Web(self.url(server), self.token)

    def session(self, server: str = "") -> Web:
        """The way to one of their servers with the session's cookies, as their browser has it.

        Raises:
            ProbeFailure: the Hub hands nobody on to that server.
        """
        web = self.web.at(self.url(server))
        web.ask("", follow=True).expect(200)
        return web

    def start(self, server: str = "", *, seconds: float = SPAWN) -> float:
        """Start a server and follow its progress to the end.

        Returns:
            The seconds that it took.

        Raises:
            ProbeFailure: it did not start; the Hub's last word about it is told.
        """
        began = time.monotonic()
        status = self._api("POST", self._path(server)).status
        if status not in (201, 202):
            raise ProbeFailure(f"the Hub answers {status} to a start of {self.name}'s server")
        try:
            told = self._api("GET", f"{self._path(server)}/progress", timeout=seconds).text
        except requests.Timeout as error:
            raise ProbeFailure(f"no server within {seconds:.0f} s") from error
        last = last_event(told)
        if not last.get("ready"):
            raise ProbeFailure(f"the server of {self.name} did not start: {last.get('message')}")
        return time.monotonic() - began

    def stop(self, server: str = "", *, seconds: float = STOP) -> None:
        """Stop a server and wait until the Hub says that it is gone.

        Raises:
            ProbeFailure: it is not, in time.
        """
        status = self._api("DELETE", self._path(server), timeout=seconds).status
        if status not in (202, 204):
            raise ProbeFailure(f"the Hub answers {status} to a stop of {self.name}'s server")
        if wait_for(lambda: server not in self.servers() or None, seconds) is None:
            raise ProbeFailure(f"{self.name}'s server is not gone after {seconds:.0f} s")

    def servers(self) -> dict[str, Any]:
        """Their servers that run, come or go, by name, as the Hub tells of them."""
        answer = self._api("GET", f"users/{escaped(self.name)}").expect(200)
        servers: dict[str, Any] = answer.json()["servers"]
        return servers

    def new_token(self, seconds: int) -> str:
        """Another token, which expires."""
        body = json.dumps({"note": "smoke", "expires_in": seconds})
        answer = self._api("POST", f"users/{escaped(self.name)}/tokens", body).expect(201)
        return str(answer.json()["token"])

    def close(self) -> None:
        """Let the connections go."""
        self.web.close()

    def _path(self, server: str) -> str:
        which = f"servers/{escaped(server)}" if server else "server"
        return f"users/{escaped(self.name)}/{which}"

    def _api(
        self, method: str, path: str, body: str | None = None, *, timeout: float = 20.0
    ) -> Answer:
        hub = Web(f"{self.root}hub/api/", self.token)
        try:
            return hub.ask(path, body, method=method, timeout=timeout)
        finally:
            hub.close()


def escaped(name: str) -> str:
    """The name of a user or server as it stands in addresses.

    The rule is `url_escape_path` in jupyterhub/utils.py.
    """
    return quote(name, safe="@~")


def last_event(stream: str) -> dict[str, Any]:
    """The last event of a progress stream (WHATWG, "Server-sent events"), or an empty one."""
    events = re.findall(r"^data: *(\{.*\})\s*$", stream, re.MULTILINE)
    last: dict[str, Any] = json.loads(events[-1]) if events else {}
    return last


def _token(web: Web, home: Answer, name: str) -> str:
    """The Hub's API takes cookies with the `_xsrf` that its pages hold for their scripts."""
    xsrf = re.search(r'xsrf_token: "([^"]+)"', home.text)
    headers = {"X-XSRFToken": xsrf[1] if xsrf else "", "Content-Type": "application/json"}
    answer = web.ask(f"api/users/{escaped(name)}/tokens", '{"note": "smoke"}', headers=headers)
    return str(answer.expect(201).json()["token"])
