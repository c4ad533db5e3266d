"""What travels between the rooms of the smoke tests: deployments, sites, results."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from builder.system.redact import Secret

PROXY_URL_VARIABLE = "TENSORBOARD_PROXY_URL"
LOGIN_NEEDED_REASON = "frames go by the Hub's user-redirect, which takes a login and no token"


class Frontend(StrEnum):
    """The web application that a person sees; the value names its picture."""

    LAB = "jupyterlab"
    NOTEBOOK = "notebook"
    CLASSIC = "classic"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A way to run Jupyter, as data.

    Attributes:
        name: directory of its report, such as `lab`.
        frontend: what the person opens.
        base_url: Jupyter's base URL, with a slash at both ends.
        variable: `TENSORBOARD_PROXY_URL` of its kernels, or None for unset.
        layers: the layers of probes that it goes through, in order (`builder.smoke.probes.table`).
        port: the one that is published.
        redirect: where a Hub redirects to the user's own server, or "": frames may be loaded below
            it, and then find themselves below the base URL.
        hub: whether it is a server of a Hub.
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
        """What its picture is called."""
        return "jupyterhub" if self.hub else self.frontend.value


class LoginCredentials(NamedTuple):
    """Somebody who logs in by a form with a name and a password: `login` is its address."""

    login_url: str
    name: str
    password: str


class WheelUnderTest(NamedTuple):
    """A wheel under test.

    Attributes:
        path: its file, or None where it is installed already, in a deployment that is not ours.
        release: the TensorBoard release that it was made of, such as `2.2.1`.
        version: as its file name spells it, build tag included.
        tensorflow: whether TensorFlow is installed before it, and TensorBoard taken out again.
    """

    path: Path | None
    release: str
    version: str
    tensorflow: bool = False


class ServerAccess(Protocol):
    """A way to look behind Jupyter's port, where we started it ourselves."""

    def run_command(
        self, words: Sequence[str], *, root: bool = False, timeout: float = 30.0
    ) -> tuple[int, str]:
        """Run a program beside Jupyter, as its user or as root; exit code and all output."""
        ...

    def read_log(self) -> str:
        """What Jupyter has written so far."""
        ...

    def published_ports(self) -> Mapping[int, int] | None:
        """Port inside → port outside of all that is let through; None where nothing says so."""
        ...

    def check_reachable(self, port: int) -> dict[str, bool]:
        """From where a connection to that port inside was tried, and whether it was made.

        Empty where nothing separates the inside from the outside.
        """
        ...


@dataclass(frozen=True, slots=True)
class JupyterSite:
    """A running Jupyter, as a person reaches it.

    Attributes:
        deployment: what it was made from.
        url: where the browser finds it, base URL included, with a slash at its end.
        token: lets the person in.
        wheel: what TensorBoard it has.
        access: the way behind the port, or None for a deployment that is not ours.
        credentials: who logs in at a Hub's form, or None where the form takes the token.
        ca_bundle: file or directory with the CAs to trust, or None for the default.
        has_form: whether there is a form to log in by; a server of somebody else's Hub has none.
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
        """Whether its frames go by a Hub's user-redirect, and there is a token but no person.

        User-redirect takes the Hub's cookies alone (`builder.smoke.jupyter.login.open_client`).
        """
        return bool(self.deployment.redirect) and self.credentials is None

    def to_direct_url(self, address: str) -> str:
        """Where to ask for what a frame loads: past a user-redirect that lets nobody in."""
        start = f"{self.origin}{self.deployment.redirect}"
        if self.is_login_needed and address.startswith(start):
            return f"{self.url}{address.removeprefix(start)}"
        return address

    def build_proxy_url(self, port: int, path: str = "") -> str:
        """Where jupyter-server-proxy shows that port: an address below the base URL."""
        return f"{self.url}proxy/{port}/{path}"


class VariableEffect(StrEnum):
    """What a person sees of a form of the variable."""

    WORKS = "works"
    AS_UNSET = "as unset: the frame loads TensorBoard's own port"
    NOT_FOUND = "404 in the frame"
    NOBODY = "500 in the frame: nobody listens on that port"


class ProbeOutcome(StrEnum):
    """What became of a probe."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One assertion about a deployment: its name in the table, what was seen, how long it took."""

    name: str
    outcome: ProbeOutcome
    seconds: float
    detail: str = ""


class ProbeFailure(Exception):  # noqa: N818 - an outcome, not an error of ours
    """What a probe looked at is not as it should be; the text says what was seen."""


class LayerAbort(Exception):  # noqa: N818 - control flow between a vital probe and its layer
    """A vital probe failed: the rest of the layer makes no sense."""
