"""A Jupyter that we did not start: its address, and the TensorBoard that it has."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace
from packaging.version import InvalidVersion, Version

from builder.errors import RequestError, SmokeError
from builder.smoke.jupyter.http_client import DEFAULT_PORTS, JupyterClient
from builder.smoke.jupyter.kernel import start_kernel
from builder.smoke.jupyter.login import has_form
from builder.smoke.model import (
    PROXY_URL_VARIABLE,
    Deployment,
    JupyterSite,
    ProbeFailure,
    WheelUnderTest,
)
from builder.system.input_files import MAX_DOCUMENT, read_input_file
from builder.system.known_secrets import hide_secrets, register_secret
from builder.system.redact import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.smoke.model import Frontend

_LAYERS = ("kernel", "only", "endpoints", "ports", "browser", "reopen")
# The beginning of a variable that leads through the Hub's user-redirect.
_REDIRECTED = re.compile(r"(?:https?://[^/]+)?(/(?:[^%]*/)?hub/user-redirect/)")
_ASK = f"""
import json, os
try:
    from tensorboard.version import VERSION
except ImportError:
    VERSION = None
print(json.dumps([VERSION, os.environ.get({PROXY_URL_VARIABLE!r})]))
"""


class ExistingJupyter(msgspec.Struct, frozen=True):
    """A running Jupyter that we did not start.

    Attributes:
        url: its address, with a slash at the end.
        token: its access token.
        ca_bundle: file or directory with the CAs to trust, or None for the default.
    """

    url: str
    token: Secret
    ca_bundle: str | None = None

    @property
    def host_and_port(self) -> str:
        """Its host and port, the default one included, such as `hub.example.org:443`."""
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{host}:{parts.port or DEFAULT_PORTS[parts.scheme]}"

    @property
    def report_name(self) -> str:
        """Host, port and path as a directory name: on a Hub, each user has a report."""
        parts = urlsplit(self.url)
        return re.sub(r"[^\w.@~]+", "-", f"{parts.netloc}{parts.path}").strip("-")


def parse_existing_url(url: str, token_file: Path, ca_bundle: str | None = None) -> ExistingJupyter:
    """Parse the address, and read the token file, from the command line.

    Raises:
        RequestError: the address is not that of a Jupyter, or there is no token in the file. The
            address is not quoted, as it may contain a secret.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        _ = parts.port  # checked only when it is read
    except ValueError as error:  # UnicodeError, which idna raises, is a subclass
        raise _make_url_error("cannot be read") from error
    if parts.username or parts.password:
        raise RequestError("--url holds a password", "put a token into --token-file")
    if parts.query or parts.fragment:
        raise _make_url_error("holds a query or a fragment")
    if parts.scheme not in DEFAULT_PORTS or not host:
        raise _make_url_error("is not the address of a Jupyter")
    try:
        token = Secret(read_input_file(token_file, MAX_DOCUMENT).decode().strip())
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{token_file} cannot be read: {error}", "put a token there") from error
    if not re.fullmatch(r"[!-~]+", token.value):
        raise RequestError(
            f"{token_file} holds no token", "one line with the token alone, which is ASCII"
        )
    address = parts.geturl()
    return ExistingJupyter(address if address.endswith("/") else f"{address}/", token, ca_bundle)


def _make_url_error(why: str) -> RequestError:
    return RequestError(
        f"--url {why}", "the user's own server, such as https://hub.example.org/user/ann/"
    )


def detect_deployment(
    existing: ExistingJupyter, frontend: Frontend
) -> tuple[Deployment, WheelUnderTest]:
    """Detect, with a kernel, which TensorBoard it has and what its variable is.

    Returns:
        The deployment as detected, and the TensorBoard that is installed there.

    Raises:
        SmokeError: Jupyter cannot be reached, refuses the token, or has no TensorBoard.
    """
    import requests

    register_secret(existing.token.value)
    with closing(
        JupyterClient(existing.url, existing.token, ca_bundle=existing.ca_bundle)
    ) as client:
        try:
            with start_kernel(client, "tensorboard-proxy-question.ipynb") as kernel:
                release, variable = kernel.evaluate_json(_ASK)
            redirect = find_redirect(client, variable or "")
        except (ProbeFailure, requests.RequestException) as error:
            message = hide_secrets(str(error), "it")
            raise SmokeError(
                f"no kernel can be had at {existing.url}: {message}",
                "is it running, is it the user's own server, and does the token belong to it?",
            ) from error
    try:
        release = str(Version(str(release)))
    except InvalidVersion as error:
        raise SmokeError(
            f"the kernel at {existing.url} has no TensorBoard", "install a wheel there"
        ) from error
    base_url = urlsplit(existing.url).path
    deployment = Deployment(
        existing.report_name, frontend, base_url, variable, _LAYERS, redirect=redirect
    )
    return deployment, WheelUnderTest(None, release, release)


def find_redirect(client: JupyterClient, variable: str) -> str:
    """Find the path of the user-redirect that the variable leads through; "" without a Hub."""
    match = _REDIRECTED.match(variable)
    is_hub = match is not None and client.send_request(match[1]).status == 302  # to its login form
    return match[1] if match is not None and is_hub else ""


@contextmanager
def open_existing_site(
    existing: ExistingJupyter, deployment: Deployment, wheel: WheelUnderTest
) -> Iterator[JupyterSite]:
    """Make the site of a running Jupyter; nothing is started or ended.

    Raises:
        requests.RequestException: there is no complete response.
    """
    site = JupyterSite(
        deployment, existing.url, existing.token, wheel, ca_bundle=existing.ca_bundle
    )
    yield replace(site, has_form=has_form(site))
