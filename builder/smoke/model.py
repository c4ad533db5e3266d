"""Types that the packages of the smoke tests share: deployments, sites, results."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urlsplit

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from builder.system.redact import Secret

PROXY_URL_VARIABLE = "TENSORBOARD_PROXY_URL"
LOGIN_NEEDED_REASON = "frames go by the Hub's user-redirect, which takes a login and no token"


class Frontend(StrEnum):
    """The web application that the user opens; its value is the name of its picture."""

    LAB = "jupyterlab"
    NOTEBOOK = "notebook"
    CLASSIC = "classic"


class Deployment(msgspec.Struct, frozen=True):
    """One way to run Jupyter, as data.

    Attributes:
        name: directory of its report, such as `lab`.
        frontend: the front end that the user opens.
        base_url: Jupyter's base URL, with a slash at both ends.
        variable: `TENSORBOARD_PROXY_URL` of its kernels, or None for unset.
        layers: the layers of probes that it goes through, in order (`builder.smoke.probes.table`).
        port: the published port, as numbered inside: Jupyter's, or the Hub's.
        redirect: path of the Hub's user-redirect to the user's own server, or "". Frames that load
            from below it are redirected to below the base URL.
        hub: whether it is a user's server on a Hub.
    """

    name: str
    frontend: Frontend
    base_url: str = "/"
    variable: str | None = "/proxy/%PORT%/"
    layers: tuple[str, ...] = ()
    port: int = 8888
    redirect: str = ""
    hub: bool = False

    @property
    def picture_name(self) -> str:
        """Name of its picture, without the suffix."""
        return "jupyterhub" if self.hub else self.frontend.value


class LoginCredentials(NamedTuple):
    """Name and password for a login form; `login_url` is the form's address."""

    login_url: str
    name: str
    password: str


class WheelUnderTest(NamedTuple):
    """A wheel under test.

    Attributes:
        path: its file, or None if it is already installed, in a Jupyter that we did not start.
        release: the TensorBoard release that it was made from, such as `2.2.1`.
        version: its version as the file name spells it, build tag included.
        tensorflow: whether TensorFlow is installed before it, and the TensorBoard that comes with
            TensorFlow is removed.
    """

    path: Path | None
    release: str
    version: str
    tensorflow: bool = False


class ServerAccess(Protocol):
    """Access to what is behind Jupyter's port, if we started Jupyter ourselves."""

    def run_command(
        self, words: Sequence[str], *, root: bool = False, timeout: float = 30.0
    ) -> tuple[int, str]:
        """Run a program next to Jupyter, as its user or as root; exit code and all output."""
        ...

    def read_log(self) -> str:
        """Jupyter's log so far."""
        ...

    def published_ports(self) -> Mapping[int, int] | None:
        """Port inside → port outside, for all published ports; None if nothing is isolated."""
        ...

    def check_reachable(self, port: int) -> dict[str, bool]:
        """Try to connect to a port inside: place of the attempt → whether it succeeded.

        Empty if nothing isolates the inside from the outside.
        """
        ...


class JupyterSite(msgspec.Struct, frozen=True):
    """A running Jupyter, as its users reach it.

    Attributes:
        deployment: the deployment that it runs.
        url: its address for the browser, base URL included, with a slash at its end.
        token: its access token.
        wheel: the TensorBoard that is installed in it.
        access: access behind its port, or None for a Jupyter that we did not start.
        credentials: for the Hub's login form, or None if the form takes the token.
        ca_bundle: file or directory with the CAs to trust, or None for the default.
        has_form: whether it has a login form; a server on somebody else's Hub has none.
    """

    deployment: Deployment
    url: str
    token: Secret
    wheel: WheelUnderTest
    access: ServerAccess | None = None
    credentials: LoginCredentials | None = None
    ca_bundle: str | None = None
    has_form: bool = True

    @property
    def origin(self) -> str:
        """Scheme, host and port, such as `http://127.0.0.1:8888`."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_login_needed(self) -> bool:
        """Whether its frames load through a Hub's user-redirect, but there are no credentials.

        User-redirect accepts only the Hub's cookies, not a token
        (`builder.smoke.jupyter.login.open_client`).
        """
        return bool(self.deployment.redirect) and self.credentials is None

    def to_direct_url(self, address: str) -> str:
        """Rewrite a frame's address to the server's own, if user-redirect would need a login."""
        start = f"{self.origin}{self.deployment.redirect}"
        if self.is_login_needed and address.startswith(start):
            return f"{self.url}{address.removeprefix(start)}"
        return address

    def build_proxy_url(self, port: int, path: str = "") -> str:
        """The address of a port through jupyter-server-proxy, below the base URL."""
        return f"{self.url}proxy/{port}/{path}"


class VariableEffect(StrEnum):
    """What the user sees in the frame with one form of `TENSORBOARD_PROXY_URL`."""

    WORKS = "works"
    AS_UNSET = "as unset: the frame loads TensorBoard's own port"
    NOT_FOUND = "404 in the frame"
    NOBODY = "500 in the frame: nobody listens on that port"


class ProbeOutcome(StrEnum):
    """Outcome of a probe."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class ProbeResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Result of one probe: its name and sentence in the table, outcome, time, and what it saw."""

    name: str
    outcome: ProbeOutcome
    seconds: float
    detail: str
    asserts: str


class ProbeFailure(Exception):  # noqa: N818 - an outcome, not an error of ours
    """A probe found something that is not as it should be; the text says what it saw."""


class LayerAbort(Exception):  # noqa: N818 - control flow between a vital probe and its layer
    """A vital probe failed, so the rest of its layer is skipped."""
